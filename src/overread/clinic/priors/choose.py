"""Which of what an archive has are priors of a study: the same patient, earlier, alike, and not too many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from overread.clinic.config_parts import Priors
from overread.clinic.priors.identity import Found, Identity, differs


@dataclass(frozen=True)
class Wanted:
    """The study whose priors are looked for. ``date``, ``time`` as DA and TM of DICOM."""

    identity: Identity
    study: str
    date: str
    time: str
    modalities: tuple[str, ...]

    def span(self, days: int) -> tuple[str, str]:
        """First and last Study Date (DA) of a prior."""
        last = as_date(self.date) or date.today()
        first = last - timedelta(days=min(days, (last - date.min).days))
        return f"{first:%Y%m%d}".rjust(8, "0"), f"{last:%Y%m%d}".rjust(8, "0")


@dataclass(frozen=True)
class Choice:
    """Series by study, the latest study first, and what was left out for a reason that a person should know."""

    studies: tuple[tuple[str, tuple[Found, ...]], ...]
    notes: tuple[str, ...]


def choose(found: Iterable[Found], wanted: Wanted, rule: Priors) -> Choice:
    """At most ``rule.most`` studies."""
    first, last = wanted.span(rule.days)
    modalities = tuple(rule.modalities) or wanted.modalities
    words = [w.casefold() for w in rule.body_part]
    studies: dict[str, list[Found]] = {}
    strangers: set[str] = set()
    for one in found:
        if one.study == wanted.study or not one.study or not one.series:
            continue
        if why := differs(wanted.identity, one.identity):
            strangers.add(why)
        elif (
            first <= one.date <= last
            and (one.date, one.time or "0") < (wanted.date or "99999999", wanted.time or "999999")
            and one.modality in modalities
            and (not words or any(w in one.words.casefold() for w in words))
            and one.instances <= rule.most_instances
        ):
            studies.setdefault(one.study, []).append(one)
    latest = sorted(studies.items(), key=lambda s: (s[1][0].date, s[1][0].time, s[0]), reverse=True)
    notes = tuple(
        f"{rule.source} answered with another patient's studies ({w} differs)" for w in sorted(strangers)
    )
    return Choice(tuple((uid, tuple(series)) for uid, series in latest[: rule.most]), notes)


def as_date(text: str) -> date | None:
    """A DA value, or None where it is none."""
    try:
        return (
            date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 and text.isascii() else None
        )
    except ValueError:
        return None
