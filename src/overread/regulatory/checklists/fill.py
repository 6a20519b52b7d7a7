"""Every item of a checklist answered from a finished run: what is said, on what evidence, what is missing, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overread.regulatory.checklists.lists import Checklist, Item
from overread.regulatory.finished import Finished
from overread.regulatory.found import Found, Ref, State, together
from overread.regulatory.topics import TOPICS


@dataclass(frozen=True)
class Filled:
    """An item and what was found for each topic that it needs."""

    item: Item
    found: dict[str, Found]

    @property
    def state(self) -> State:
        """Answered whole, in part or not at all."""
        return together([f.state for f in self.found.values()])

    @property
    def automatic(self) -> bool:
        """Answered whole by evidence; no person had to write anything."""
        return self.state == "filled" and not any(f.by for f in self.found.values())

    @property
    def said(self) -> list[str]:
        """The answer, sentence by sentence; each once."""
        return list(dict.fromkeys(s for f in self.found.values() for s in f.said))

    @property
    def on(self) -> list[Ref]:
        """The evidence, each piece once."""
        return list(dict.fromkeys(r for f in self.found.values() for r in f.on))

    @property
    def missing(self) -> list[tuple[str, str, str]]:
        """Topic, what it lacks, and who must write it."""
        return [(name, f.lacking, TOPICS[name].who) for name, f in self.found.items() if f.state != "filled"]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {
            "id": self.item.id,
            "section": self.item.section,
            "topic": self.item.topic,
            "asks": self.item.ask,
            "state": self.state,
            "automatic": self.automatic,
            "answer": self.said,
            "stated_by": [f.by for f in self.found.values() if f.by],
            "evidence": [{"what": r.what, "trace": r.trace} for r in self.on],
            "missing": [{"topic": t, "what": w, "who": who} for t, w, who in self.missing],
        }


def fill(checklist: Checklist, run: Finished) -> list[Filled]:
    """Every item of ``checklist``, in order."""
    answers = {
        n: TOPICS[n].answer(n, run) for n in dict.fromkeys(n for i in checklist.items for n in i.needs)
    }
    return [Filled(item, {n: answers[n] for n in item.needs}) for item in checklist.items]


def counts(filled: Sequence[Filled]) -> dict[str, int]:
    """How many items are answered whole (by evidence alone), in part, and not."""
    states = [f.state for f in filled]
    return {
        "items": len(filled),
        "filled": states.count("filled"),
        "by evidence alone": sum(f.automatic for f in filled),
        "partly": states.count("partly"),
        "missing": states.count("missing"),
    }
