"""The chapters of a dossier, each from evidence; what is missing says who must write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from typing import Any

from overread.ledger.figures import figure_id
from overread.regulatory.documents.parts import Bullets, Cell, Heading, Part, Table, Text
from overread.regulatory.dossier.facts.read import facts
from overread.regulatory.dossier.tested import result_of
from overread.regulatory.finished import Finished
from overread.regulatory.sbom import installed
from overread.regulatory.topics import TOPICS
from overread.regulatory.topics.topic import name_of

Results = dict[str, Counter[str]] | None
GUIDANCE = "Guidance with its source, as of {as_of}; never advice. Look at the source before you rely on it."


@dataclass(frozen=True)
class Chapter:
    """A document of the dossier: its ``key`` names the file."""

    key: str
    title: str
    parts: Callable[[Finished, Results], list[Part]]


def answered(run: Finished, *names: str) -> list[Part]:
    """Topics as headings with their sentences, evidence, and what is missing."""
    parts: list[Part] = []
    for name in names:
        topic = TOPICS[name]
        found = topic.answer(name, run)
        parts.append(Heading(topic.question[:1].upper() + topic.question[1:], 2))
        if len(found.said) > 1:
            parts.append(Bullets(list(found.said)))
        elif found.said:
            parts.append(Text(found.said[0]))
        if found.state != "filled":
            parts.append(
                Text(
                    f"To be written by the {topic.who}: {found.lacking}. Topic {name} of statements.yaml.",
                    warning=True,
                )
            )
        if found.on:
            parts.append(Text(f"Evidence: {'; '.join(map(str, found.on))}", quiet=True))
    return parts


def _pathway(run: Finished, results: Results) -> list[Part]:
    told = facts("pathways")
    ways = [[w["name"], w["for"], w["content"], Cell((w["time"],), (w["source"],))] for w in told["pathways"]]
    asked = [[q["ask"], Cell((q["note"],), (q["source"],)), ""] for q in told["questions"]]
    return [
        Text(GUIDANCE.format(as_of=told["as_of"]), warning=True),
        *answered(run, "intended_use", "intended_user"),
        Heading("Questions that decide the way"),
        Table(("Question", "Note and source", "Your answer"), asked, (0.38, 0.42, 0.2)),
        Heading("Ways to the market in the United States"),
        Table(("Way", "For", "Typical content", "Time and source"), ways, (0.15, 0.3, 0.33, 0.22)),
    ]


def _description(run: Finished, results: Results) -> list[Part]:
    return answered(
        run,
        "intended_use",
        "intended_user",
        "model",
        "thresholds",
        "preprocessing",
        "parts_used",
        "bad_input",
        "ensembling",
        "explanations",
        "workflow",
    )


def _performance(run: Finished, results: Results) -> list[Part]:
    goals: list[list[str | Cell]] = [
        [
            Cell((name_of(e),), (figure_id("endpoints", e),)),
            f"{e.get('direction', 'at least')} {e['goal']:g}",
            f"not computed: {e['reason']}"
            if e.get("reason")
            else f"{e['estimate']:.3f} ({e['low']:.3f} to {e['high']:.3f})",
            {"estimate": "point estimate", "low": "lower limit", "high": "upper limit"}[e["judged_on"]],
            ("reached" if e["met"] else "not reached") + (", exploratory" if run.exploratory else ""),
        ]
        for e in run.report.get("endpoints") or []
    ]
    parts: list[Part] = []
    if goals:
        parts += [
            Heading("Goals"),
            Table(
                ("Measure", "Goal", "Found (interval)", "Judged on", "Verdict"),
                goals,
                (0.3, 0.14, 0.26, 0.15, 0.15),
            ),
        ]
    rows: list[list[str | Cell]] = [
        [
            Cell((name_of(r),), (figure_id("test", r),)),
            f"{r['estimate']:.3f} ({r['low']:.3f} to {r['high']:.3f})",
            str(r["unit"]),
            "" if r.get("n") is None else str(r["n"]),
            str(r["method"]),
        ]
        for r in run.report["test"]
    ]
    parts += [
        Heading("All measures"),
        Table(
            ("Measure", "Estimate (interval)", "Unit", "n", "Interval by"),
            rows,
            (0.32, 0.24, 0.18, 0.06, 0.2),
        ),
    ]
    return parts + answered(
        run,
        "internal_test",
        "external_test",
        "comparator",
        "cross_table",
        "uncertainty",
        "robustness",
        "subgroups",
        "fairness",
        "failures",
        "limitations",
        "sample_size",
    )


def _data(run: Finished, results: Results) -> list[Part]:
    return answered(
        run,
        "sources",
        "setting",
        "sampling",
        "eligibility",
        "deidentification",
        "acquisition",
        "flow",
        "assignment",
        "disjoint",
        "characteristics",
        "population",
        "missing_data",
        "reference_standard",
        "annotators",
        "agreement",
        "blinding_index",
        "blinding_reference",
    )


def _software(run: Finished, results: Results) -> list[Part]:
    told = facts("risk")
    of: dict[str, list[str]] = {}
    for h in told["hazards"]:
        for r in h["controls"]:
            of.setdefault(r, []).append(h["id"])
    trace: list[list[str | Cell]] = [
        [
            r["id"],
            r["text"],
            ", ".join(of.get(r["id"], [])),
            Cell(tuple(r["tests"])),
            result_of(r["tests"], results),
        ]
        for r in told["requirements"]
    ]
    soup = [[name, d.version, _licence(d)] for name, d in installed().items() if name != "overread"]
    return [
        Text(
            "IEC 62304 asks for a safety class, requirements, architecture, unknown software, "
            "tests and anomalies. The class and the anomalies are for the maker to state."
        ),
        Heading("Requirement, risk, test, result"),
        Table(
            ("Id", "Requirement", "Hazards", "Tests of overread", "Result"),
            trace,
            (0.06, 0.34, 0.1, 0.3, 0.2),
        ),
        Heading("Software of unknown provenance, as installed here"),
        Table(("Name", "Version", "Licence"), soup, (0.4, 0.2, 0.4)),
        *answered(run, "software", "prediction_code", "audit", "training", "selection", "initialisation"),
    ]


def _licence(d: Distribution) -> str:
    said: Any = d.metadata
    text = said.get("License-Expression") or said.get("License") or ""
    if not text or len(text) > 60:
        named = [
            c.rsplit("::", 1)[1].strip()
            for c in said.get_all("Classifier") or []
            if c.startswith("License ::")
        ]
        text = ", ".join(named) or text.split("\n")[0][:60]
    return text or "not stated"


def _risk(run: Finished, results: Results) -> list[Part]:
    told = facts("risk")
    texts = {r["id"]: r for r in told["requirements"]}
    rows: list[list[str | Cell]] = [
        [
            h["id"],
            Cell((h["hazard"],), (h["situation"],)),
            h["harm"],
            Cell(
                tuple(f"{r}: {texts[r]['text']}" for r in h["controls"]),
                (f"tests: {', '.join(dict.fromkeys(t for r in h['controls'] for t in texts[r]['tests']))}",),
            ),
            h["watch"],
            "",
        ]
        for h in told["hazards"]
    ]
    return [
        Text(
            "Hazards of software that answers images (ISO 14971), what overread does about each, "
            "the tests that verify it, and what is watched in use. Severity and probability "
            "before and after control depend on the intended use: the risk manager fills the "
            "last column."
        ),
        Table(
            (
                "Id",
                "Hazard and situation",
                "Harm",
                "Control and its tests",
                "Watched in use",
                "Severity, probability",
            ),
            rows,
            (0.05, 0.22, 0.13, 0.34, 0.13, 0.13),
        ),
        *answered(run, "limitations", "failures", "bad_input", "safety"),
    ]


def _security(run: Finished, results: Results) -> list[Part]:
    rows = [[t["threat"], t["meets"], t["left"]] for t in facts("threats")["threats"]]
    return [
        Text("The bill of materials stands beside this file as sbom.cdx.json (CycloneDX)."),
        Heading("Threats"),
        Table(("Threat", "What meets it", "Left to the site or maker"), rows, (0.3, 0.4, 0.3)),
    ]


def _labelling(run: Finished, results: Results) -> list[Part]:
    rows: list[list[str | Cell]] = [
        [
            name_of(r),
            f"{r['estimate']:.3f} ({r['low']:.3f} to {r['high']:.3f}), n = {r.get('n')}",
            figure_id("test", r),
        ]
        for r in run.report["test"]
    ]
    return [
        Text(
            "Draft of the text for users. Every number is of the sealed test; a site's own numbers "
            "may differ."
        ),
        Heading("Performance"),
        Table(("Measure", "Estimate, 95% interval", "Trace"), rows, (0.4, 0.35, 0.25)),
        *answered(
            run,
            "intended_use",
            "intended_user",
            "bad_input",
            "thresholds",
            "limitations",
            "user_interaction",
            "population",
        ),
    ]


def _monitoring(run: Finished, results: Results) -> list[Part]:
    rows: list[list[str | Cell]] = [
        [h["watch"][:1].upper() + h["watch"][1:], f"{h['id']} {h['hazard']}", "", ""]
        for h in facts("risk")["hazards"]
    ]
    return [
        Text(
            "What is watched in use, and for which hazard. A chart is designed from the mean "
            "time between false alarms that the site accepts (overread.stats.control), not from "
            "a p-value a day. The limits that the protocol states stand below; the others, and who acts, are for the "
            "quality lead to fill."
        ),
        Table(
            ("Watched", "For", "Limit and time between false alarms", "Who acts, how"),
            rows,
            (0.3, 0.25, 0.25, 0.2),
        ),
        *answered(run, "monitoring", "safety", "harms"),
    ]


def _europe(run: Finished, results: Results) -> list[Part]:
    told = facts("europe")

    def places(rows: Sequence[dict[str, str]]) -> list[Sequence[str | Cell]]:
        return [[r["part"], r["where"] or "to be written outside this dossier"] for r in rows]

    return [
        Text(GUIDANCE.format(as_of=told["as_of"]), warning=True),
        Heading("Dates that apply"),
        Table(
            ("What", "When", "Source"),
            [[d["what"], d["when"], d["source"]] for d in told["dates"]],
            (0.42, 0.3, 0.28),
        ),
        Heading("Technical documentation by the MDR"),
        Table(("Part", "Where in this dossier"), places(told["mdr"]), (0.7, 0.3)),
        Heading("AI Act"),
        Table(("Part", "Where in this dossier"), places(told["ai_act"]), (0.7, 0.3)),
    ]


def _data_card(run: Finished, results: Results) -> list[Part]:
    return answered(
        run,
        "sources",
        "setting",
        "sampling",
        "characteristics",
        "acquisition",
        "deidentification",
        "reference_standard",
        "annotators",
        "agreement",
        "missing_data",
        "disjoint",
        "population",
        "inequalities",
        "availability",
    )


def _model_card(run: Finished, results: Results) -> list[Part]:
    return answered(
        run,
        "intended_use",
        "intended_user",
        "model",
        "thresholds",
        "training",
        "initialisation",
        "accuracy",
        "subgroups",
        "fairness",
        "failures",
        "bad_input",
        "limitations",
        "ethics_of_use",
        "updating",
        "availability",
    )


CHAPTERS = (
    Chapter("01-pathway", "Ways to the market", _pathway),
    Chapter("02-device-description", "Device description", _description),
    Chapter("03-performance", "Standalone performance", _performance),
    Chapter("04-data", "Data management and reference standard", _data),
    Chapter("05-software", "Software documentation", _software),
    Chapter("06-risk", "Hazards and controls", _risk),
    Chapter("07-cybersecurity", "Cybersecurity", _security),
    Chapter("08-labelling", "Labelling, performance text", _labelling),
    Chapter("10-monitoring", "Monitoring in use", _monitoring),
    Chapter("11-europe", "European Union", _europe),
    Chapter("12-data-card", "Data card", _data_card),
    Chapter("13-model-card", "Model card", _model_card),
)
