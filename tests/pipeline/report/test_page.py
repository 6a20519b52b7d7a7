"""report.html from plausible made-up results."""

from __future__ import annotations

import base64
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overread.evaluate.figures import (
    ConfusionFigure,
    Figure,
    FrocFigure,
    PerCaseFigure,
    ReliabilityFigure,
    RocFigure,
    ScoredTruth,
    ScoresFigure,
)
from overread.evaluate.metric import Measured
from overread.evaluate.metrics import METRICS
from overread.pipeline.report.page import ReportFigures, by_label, headline, legend, write_report
from overread.pipeline.report.words import duration, interval, meanings, metric_name, moment, number
from overread.stats.calibration import brier, ece
from overread.stats.diagnostic import balanced_accuracy, diagnostic_accuracy
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci
from overread.stats.roc import auc, auc_macro, operating_point

HASHES = {name: name[0] * 64 for name in ("cohort", "protocol", "plan", "weights", "package", "ledger head")}


def _measured(key: str, found: Interval, unit: str, label: str | None = None) -> Measured:
    return Measured(METRICS[key], label, unit, found)


def _row(report: dict[str, Any], key: str, label: str | None = None) -> dict[str, Any]:
    (row,) = [r for r in report["test"] if (r["metric"], r["label"]) == (key, label)]
    return dict(row)


def _common(task: str, labels: list[str]) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    epochs = np.arange(1, 41)
    return {
        "name": "chest-pneumonia" if task == "classification" else "brain-lesions",
        "created": "2026-11-20T10:00:00+00:00",
        "virtual": False,
        "task": task,
        "labels": labels,
        "positive": None,
        "protocol": {"intended_use": "Second reading of images in adults referred for a first examination."},
        "plan": {
            "network": {
                "name": "resnet",
                "arguments": {"width": 32, "blocks": [2, 2, 2]},
                "parameters": 1_234_567,
            },
            "preprocess": {"spacing": [1.0, 1.0, 1.5], "size": None},
            "channels": ["T1", "FLAIR"],
            "patch": [64, 64, 48],
            "batch": 4,
            "epochs": 40,
            "learning_rate": 0.001,
            "reasons": [
                "Spacing is the median of the training images.",
                "40 epochs fit the 5 minutes given.",
            ],
        },
        "check": {"findings": [{"severity": "warning", "message": "8 images are in both train and val"}]},
        "package": {"path": "out/model.overread", "sha256": "f" * 64, "name": "model", "version": "0.1.0"},
        "cases": {
            "train": {"patients": 4708, "images": 4708},
            "val": {"patients": 524, "images": 524},
            "test": {"patients": 400, "images": 400},
        },
        "evidence": HASHES,
        "openings": 1,
        "seconds": {"check": 3.21, "train": 192.4, "test": 12.0},
        "versions": {"overread": "0.1.0", "numpy": "2.4.6"},
        "limits": {
            "modality": ["DX", "CR"],
            "age_years": [1, 5],
            "size": [[24, 40], [24, 40]],
            "spacing_mm": None,
        },
        "history": [
            {
                "epoch": int(e),
                "loss": float(np.exp(-e / 12) + 0.02 * generator.random()),
                "tuning_loss": float(1 - np.exp(-e / 8)),
            }
            for e in epochs
        ],
    }


def classification() -> tuple[dict[str, Any], ReportFigures]:
    generator = np.random.default_rng(2)
    y = (generator.random(400) < 0.6).astype(int)
    p = 1 / (1 + np.exp(-generator.normal(4.5 * (y - 0.45), 1.6)))
    point = operating_point(y, p, rule="youden")
    said = p >= point.threshold
    table = diagnostic_accuracy(
        int((y & said).sum()),
        int((~y.astype(bool) & said).sum()),
        int((y & ~said).sum()),
        int((~y.astype(bool) & ~said).sum()),
    )
    area = _measured("auroc", auc(y, p), "area under the ROC curve")
    test = [
        area,
        _measured("sensitivity", table.sensitivity, "proportion of cases"),
        _measured("specificity", table.specificity, "proportion of cases"),
        _measured(
            "balanced_accuracy", balanced_accuracy(y, said, resamples=200), "mean of class sensitivities"
        ),
        _measured("brier", brier(y, p), "squared probability"),
        _measured("ece", ece(y, p, resamples=200), "probability"),
    ]
    groups = [
        ("sex", "F", slice(0, 190)),
        ("sex", "M", slice(190, 400)),
        ("site", "A", slice(0, 90)),
        ("site", "B", slice(90, 130)),
    ]
    rows = {m.metric.key: m.as_dict() for m in test}
    report = _common("classification", ["normal", "pneumonia"]) | {
        "positive": "pneumonia",
        "test": list(rows.values()),
        "primary": {"metric": "auroc", "label": None},
        "operating_points": {"pneumonia": {"rule": "youden", "threshold": point.threshold}},
        "endpoints": [
            _goal(rows["auroc"], 0.96, "estimate", met=True),
            _goal(rows["specificity"], 0.99, "low", met=False),
        ],
        "subgroups": [
            {"attribute": a, "group": g, "metric": "auroc", "label": None, **auc(y[s], p[s]).as_dict()}
            | {"patients": len(y[s]), "cases": len(y[s])}
            for a, g, s in groups
        ],
    }
    truth = y.astype(bool)
    labels = ["normal", "pneumonia"]
    drawn: list[Figure] = [
        RocFigure([ScoredTruth("pneumonia", truth, p, area, point.threshold)]),
        ReliabilityFigure(truth, p, "probability of pneumonia"),
        ConfusionFigure(y, said.astype(int), labels),
        ScoresFigure(y, p, labels, "probability of pneumonia", point.threshold),
    ]
    return report, ReportFigures(drawn, _pictures(generator))


def _goal(row: dict[str, Any], goal: float, judged_on: str, *, met: bool) -> dict[str, Any]:
    numbers = {k: row[k] for k in ("metric", "label", "estimate", "low", "high")}
    return {**numbers, "goal": goal, "judged_on": judged_on, "met": met, "reason": None}


def _pictures(generator: np.random.Generator) -> list[tuple[str, str, bytes]]:
    from io import BytesIO

    from PIL import Image

    out = []
    grid = np.indices((120, 240)) / 20
    for title in ("Worst", "Median", "Best"):
        for number_ in range(3):
            plane = (
                120 + 60 * np.sin(grid[0] + number_) * np.cos(grid[1]) + generator.normal(0, 12, (120, 240))
            )
            file = BytesIO()
            Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8)).save(file, "PNG")
            out.append(
                (
                    title,
                    f"case-{title}-{number_}, Dice 0.7{number_}. Left: reference, right: found.",
                    file.getvalue(),
                )
            )
    return out


def segmentation() -> tuple[dict[str, Any], ReportFigures]:
    generator = np.random.default_rng(3)
    front, back = generator.beta(22, 3, 40), generator.beta(16, 4, 40)
    back[7] = 0.0
    unit = "overlap, 0 to 1"
    test = [
        _measured("dice", mean_ci((front + back) / 2), unit),
        _measured("dice", mean_ci(front), unit, "anterior"),
        _measured("dice", mean_ci(back), unit, "posterior"),
        _measured("hd95", mean_ci(generator.gamma(3, 0.5, 40)), "mm", "anterior"),
        _measured(
            "volume_error", mean_ci(generator.normal(-0.4, 1, 40)), "ml, found minus true", "posterior"
        ),
    ]
    report = _common("segmentation", ["background", "anterior", "posterior"]) | {
        "virtual": True,
        "test": [m.as_dict() for m in test],
        "primary": {"metric": "dice", "label": None},
        "operating_points": {},
        "endpoints": [],
        "subgroups": [],
        "openings": 3,
    }
    values = {"anterior": front, "posterior": back}
    means = {"anterior": test[1], "posterior": test[2]}
    names = [f"case-{i:03d}" for i in range(40)]
    drawn = PerCaseFigure("Dice of every test case", "Dice coefficient", names, values, means)
    return report, ReportFigures([drawn], _pictures(generator))


def _text(path: Path) -> str:
    """What a reader sees, white space made single."""
    html = re.sub(r"<style>.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


class _Tags(HTMLParser):
    """Collects attributes and checks that elements close in order."""

    VOID = frozenset({"meta", "img", "br", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def _tags(path: Path) -> _Tags:
    parser = _Tags()
    parser.feed(path.read_text(encoding="utf-8"))
    assert parser.open == []
    return parser


@pytest.mark.parametrize("make", [classification, segmentation])
def test_every_number_stands_with_its_interval(make: Any, tmp_path: Path) -> None:
    report, figures = make()
    text = _text(write_report(tmp_path, report, figures))
    for row in report["test"]:
        assert f"{metric_name(row['metric'], row['label'])} {interval(row)}" in text, row["metric"]
        assert row["method"] in text and row["unit"] in text
    for row in report["subgroups"]:
        assert f"{row['group']} {row['patients']} {row['cases']} {interval(row)}" in text
    for name, value in report["evidence"].items():
        assert f"{name} {value}" in text
    assert "8 images are in both train and val" in text
    assert "1,234,567" in text and "3 min 12 s" in text and "Research use only" in text


def test_goals_show_estimate_lower_limit_and_what_decides(tmp_path: Path) -> None:
    report, figures = classification()
    path = write_report(tmp_path, report, figures)
    text = _text(path)
    for endpoint, judged, verdict in zip(
        report["endpoints"], ("point estimate", "lower limit"), ("✓ met", "✗ not met"), strict=True
    ):
        numbers = " ".join(number(endpoint[k]) for k in ("goal", "estimate", "low", "high"))
        assert (
            f"{metric_name(endpoint['metric'], endpoint['label'])} at least {numbers} {judged} {verdict}"
            in text
        )
    assert "1 of 2 goals" in text
    marked = re.findall(r'<span class="judged">([^<]+)</span>', path.read_text(encoding="utf-8"))
    assert marked == [number(report["endpoints"][0]["estimate"]), number(report["endpoints"][1]["low"])]


def test_virtual_patients_and_repeated_openings_are_said(tmp_path: Path) -> None:
    report, figures = segmentation()
    text = _text(write_report(tmp_path, report, figures))
    assert text.count("irtual patients") >= 3 and "opened 3 times" in text and "Exploratory." in text
    assert "No goal was fixed" in text
    plain = _text(write_report(tmp_path, report | {"virtual": False, "openings": 1}, figures))
    assert "irtual" not in plain and "xploratory" not in plain and "opened once" in plain


def test_worst_cases_are_named_first(tmp_path: Path) -> None:
    report, figures = segmentation()
    text = _text(write_report(tmp_path, report, figures))
    table = text[text.index("Lowest cases") :]
    assert table.index("case-007") < 120 and "0.000" in table[:200]


@pytest.mark.parametrize("make", [classification, segmentation])
def test_the_page_holds_everything_itself(make: Any, tmp_path: Path) -> None:
    path = write_report(tmp_path, *make())
    html = path.read_text(encoding="utf-8")
    assert "//" not in re.sub(r"data:image/[^\"]+", "", html), "an address outside"
    tags = _tags(path)
    assert not [t for t in tags.attributes if t[0] in ("script", "link", "iframe") or t[1].startswith("on")]
    assert "<script" not in html and "@import" not in html and "url(" not in html
    sources = [value for tag, name, value in tags.attributes if (tag, name) == ("img", "src")]
    assert len(sources) >= 10
    for source in sources:
        kind, data = re.fullmatch(r"data:image/(png|svg\+xml);base64,(.+)", source).groups()  # type: ignore[union-attr]
        raw = base64.b64decode(data, validate=True)
        assert raw.startswith(b"\x89PNG") if kind == "png" else b"</svg>" in raw
    alts = [value for tag, name, value in tags.attributes if (tag, name) == ("img", "alt")]
    assert len(alts) == len(sources) and all(alts)
    anchors = {value for _, name, value in tags.attributes if name == "id"}
    assert {value[1:] for tag, name, value in tags.attributes if (tag, name) == ("a", "href")} <= anchors


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & $\\frac{a$"
    report, figures = segmentation()
    report |= {"name": evil, "labels": ["background", evil], "protocol": {"intended_use": evil}}
    report["check"] = {"findings": [{"severity": evil, "message": evil}]}
    report["test"] = [_row(report, "dice") | {"unit": evil, "method": evil, "label": evil}]
    report["primary"] = {"metric": "dice", "label": evil}
    report["not_computed"] = [{"metric": evil, "label": evil, "reason": evil}]
    report["operating_points"] = {
        evil: {"rule": evil, "threshold": 0.5},
        "b": {"rule": evil, "threshold": 0.5},
    }
    report["evidence"] = {evil: evil}
    report["versions"] = {evil: evil}
    report["subgroups"] = [
        {
            "attribute": evil,
            "group": evil,
            "patients": 3,
            "cases": 3,
            "metric": "dice",
            "label": evil,
            "estimate": 0.5,
            "low": 0.4,
            "high": 0.6,
        }
    ]
    values = {evil: np.array([0.5, 0.7])}
    drawn: list[Figure] = [
        PerCaseFigure(evil, evil, [evil, "b"], values, {}),
        RocFigure([ScoredTruth(evil, np.array([True, False]), np.array([0.9, 0.1]))]),
        ConfusionFigure(np.array([0, 1]), np.array([0, 1]), [evil, "b"]),
    ]
    figures = ReportFigures(drawn, [(evil, evil, figures.gallery[0][2])])
    path = write_report(tmp_path, report, figures)
    assert "<script" not in path.read_text(encoding="utf-8")
    _tags(path)
    assert evil in _text(path) or "alert('x')" in _text(path)


def test_three_classes(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    y = generator.integers(0, 3, 90)
    p = generator.random((90, 3)) + 1.0 * (y[:, None] == np.arange(3))
    p /= p.sum(axis=1, keepdims=True)
    labels = ["a", "macro", "c"]
    mean = _measured("auroc_macro", auc_macro(y, p, resamples=100), "mean one-against-rest area")
    each = [_measured("auroc", auc(y == k, p[:, k]), "area", label) for k, label in enumerate(labels)]
    report = _common("classification", labels) | {
        "test": [m.as_dict() for m in (mean, *each)],
        "primary": {"metric": "auroc_macro", "label": None},
        "endpoints": [],
        "subgroups": [],
        "operating_points": {},
    }
    curves = [ScoredTruth(label, y == k, p[:, k], each[k]) for k, label in enumerate(labels)]
    text = _text(write_report(tmp_path, report, ReportFigures([RocFigure(curves)])))
    # A class may be called macro and has its own row beside the mean.
    for row in report["test"]:
        assert f"{metric_name(row['metric'], row['label'])} {interval(row)}" in text


def test_objects(tmp_path: Path) -> None:
    figure = FrocFigure(
        ["cell", "platelet"],
        [np.array([0.0, 0.5, 2.0]), np.array([0.0, 1.0])],
        [np.array([0.0, 0.6, 0.9]), np.array([0.0, 0.4])],
        [(0.5, 0.6), None],
    )
    report = _common("detection", ["cell", "platelet"]) | {"test": [], "endpoints": [], "subgroups": []}
    path = write_report(tmp_path, report, ReportFigures([figure]))
    assert "false alarms per image" in _text(path)


def test_a_goal_that_cannot_be_computed_keeps_its_row(tmp_path: Path) -> None:
    report, figures = classification()
    lost = {"metric": "ppv", "label": None, "goal": 0.8, "judged_on": "low", "met": False}
    lost |= {"estimate": None, "low": None, "high": None, "reason": "no case was called positive"}
    text = _text(write_report(tmp_path, report | {"endpoints": [lost]}, figures))
    assert "not computed: no case was called positive" in text and "✗ not met" in text
    assert "The goal fixed before the test was not met." in text and "No goal was fixed" not in text


def test_a_primary_measure_that_cannot_be_computed_says_why(tmp_path: Path) -> None:
    report, _ = classification()
    report["test"] = [r for r in report["test"] if r["metric"] != "auroc"]
    report["not_computed"] = [{"metric": "auroc", "label": None, "reason": "every case has it"}]
    text = _text(write_report(tmp_path, report, ReportFigures()))
    assert "Area under the ROC curve was not computed: every case has it." in text
    assert "no test case was answered" not in text


def test_missing_parts_are_left_out(tmp_path: Path) -> None:
    bare = {
        "name": "x",
        "created": "2026-11-20",
        "virtual": False,
        "task": "segmentation",
        "labels": ["a", "b"],
        "test": [],
    }
    path = write_report(tmp_path, bare, ReportFigures())
    text = _text(path)
    assert "no test case was answered" in text and "Subgroups" not in text and "Pictures" not in text
    assert not [t for t in _tags(path).attributes if t[0] == "img"]
    curve = ScoredTruth("b", np.array([True, True]), np.array([0.8, 0.6]))
    path = write_report(tmp_path, bare, ReportFigures([RocFigure([curve])]))
    _tags(path)


def test_same_content_same_bytes(tmp_path: Path) -> None:
    pages = [write_report(tmp_path, *segmentation()).read_bytes() for _ in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9, "0.900"),
        (-0.0004, "0.000"),
        (-1.5, "−1.500"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (None, "–"),
        (0, "0.000"),
    ],
)
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_moment() -> None:
    assert moment("2026-11-20T12:30:00+02:00") == "2026-11-20 10:30 UTC"
    assert moment("yesterday") == "yesterday"


def test_durations() -> None:
    assert [duration(s) for s in (0.44, 9.97, 59.6, 61, 7322)] == [
        "0.4 s",
        "10 s",
        "1 min 0 s",
        "1 min 1 s",
        "2 h 2 min",
    ]


def test_metric_names() -> None:
    assert (
        metric_name("lesion_f1", "white_matter lesion") == f"{METRICS['lesion_f1'].name}, white_matter lesion"
    )
    assert metric_name("new_measure", None) == "new measure"
    assert metric_name("dice", None) == "Mean Dice coefficient"
    assert [name for name, _ in meanings(["dice", "dice", "hd95", "zzz"])] == [
        METRICS["dice"].name,
        METRICS["hd95"].name,
    ]


def _shown(tmp_path: Path, **more: Any) -> str:
    report, figures = classification()
    return _text(write_report(tmp_path, report | more, figures))


@pytest.mark.parametrize(
    ("met", "words"),
    [
        ([False], "The goal fixed before the test was not met."),
        ([True], "The goal fixed before the test was met."),
        ([False, False], "None of the 2 goals fixed before the test was met."),
        ([True, False, False], "1 of 3 goals fixed before the test was met; all must hold"),
        ([True, True, False], "2 of 3 goals fixed before the test were met; all must hold"),
        ([True, True], "All 2 goals fixed before the test were met."),
    ],
)
def test_the_verdict_is_a_sentence(met: list[bool], words: str, tmp_path: Path) -> None:
    report, _ = classification()
    goals = [report["endpoints"][0] | {"met": m} for m in met]
    text = _shown(tmp_path, endpoints=goals)
    assert words in text
    assert ("All goals must hold together" in text) is (len(met) > 1)


def test_goals_that_nobody_chose_and_goals_that_changed_are_said(tmp_path: Path) -> None:
    report, _ = classification()
    goals = [report["endpoints"][0] | {"proposed": True}]
    before = [{"metric": "auroc", "label": None, "goal": 0.99, "judged_on": "limit"}]
    text = _shown(tmp_path, endpoints=goals, earlier_goals=[before])
    assert "The goal was proposed by overread init ; no person chose it." in text
    assert "goals were changed after an earlier opening" in text and "0.990, judged on the limit" in text
    assert "proposed by" not in _shown(tmp_path)
    assert "3 of 4708 training patients were test patients of an earlier" in _shown(
        tmp_path, opened_in_training=3
    )


def test_the_lead_gives_the_number_analysed_and_both_ways_to_count(tmp_path: Path) -> None:
    report, _ = classification()
    counted = {"patients": 410, "images": 430, "answered_patients": 400, "answered_images": 420}
    beside = [_row(report, "sensitivity") | {"estimate": 0.4321, "n": 240}]
    by = [{"attribute": "site", "group": "B", "cases": 50, "patients": 50, "answered": 40}]
    by = [by[0] | {"estimate": 0.8, "low": 0.7, "high": 0.9}]
    text = _shown(tmp_path, counted=counted, beside=beside, answered_by=by)
    assert "On 410 sealed test patients (430 images), opened once" in text
    assert "The package answered 420 of 430 images; those that it refused count as wrong" in text
    own = _row(report, "sensitivity")
    assert f"Sensitivity {interval(own)} {own['n']} {interval(beside[0])} 240" in text
    assert "site B 40 of 50 0.800 (0.700 to 0.900)" in text
    left_out = _shown(tmp_path, counted=counted, unanswered="left_out")
    assert "are left out, as the protocol says" in left_out


def test_copies_in_training_stand_beside_the_headline(tmp_path: Path) -> None:
    report, _ = classification()
    row = _row(report, "auroc") | {"estimate": 0.7, "low": 0.6, "high": 0.8, "n": 380}
    text = _shown(tmp_path, without_copies={"images": 20, "row": row, "reason": ""})
    assert "a copy or near-copy in training or tuning of 20 of the test images" in text
    assert "0.700 (0.600 to 0.800) , n = 380" in text and "Yet 20 test images are a copy" in text
    assert "near-copy" not in _shown(tmp_path)


def test_few_patients_are_warned_of(tmp_path: Path) -> None:
    report, _ = classification()
    few = [r | {"n": 8} if r["metric"] == "auroc" else r for r in report["test"]]
    assert "This rests on 8 patients" in _shown(tmp_path, test=few)
    assert "This rests on" not in _shown(tmp_path)


def test_of_many_labels_the_cards_are_the_lowest_and_the_highest() -> None:
    def row(metric: str, label: str | None, value: float) -> dict[str, Any]:
        return {"metric": metric, "label": label, "estimate": value}

    names = ["a", "b", "c", "d"]
    primary = row("auroc_macro", None, 0.8)
    areas = [row("auroc", k, v) for k, v in zip(names, (0.9, 0.6, 0.95, 0.7), strict=True)]
    sens = [row("sensitivity", k, v) for k, v in zip(names, (0.5, 0.4, 0.3, 0.2), strict=True)]
    found = headline([primary, *areas, *sens], primary)
    assert [(r["metric"], r["label"], r["which"]) for r in found] == [
        ("sensitivity", "d", "lowest of 4"),
        ("sensitivity", "a", "highest of 4"),
        ("auroc", "b", "lowest of 4"),
        ("auroc", "c", "highest of 4"),
    ]
    assert headline([primary, *areas[::-1], *sens[::-1]], primary) == found
    two = headline([primary, *areas[:2]], primary)
    assert [r["label"] for r in two] == ["a", "b"]


def test_labels_stand_side_by_side() -> None:
    def row(metric: str, label: str) -> dict[str, Any]:
        return {"metric": metric, "label": label, "estimate": 0.5}

    rows = [row(m, k) for k in ("x", "y") for m in ("sensitivity", "specificity", "ppv")]
    table = by_label(rows[:-1])
    assert table is not None and [label for label, _ in table["rows"]] == ["x", "y"]
    assert table["columns"] == ["Sensitivity", "Specificity"]
    assert by_label(rows[:3]) is None


def test_gaps_and_lost_groups_stand_with_the_subgroups(tmp_path: Path) -> None:
    gap = {"estimate": 0.12, "low": 0.0, "high": 0.3}
    worst = {"estimate": 0.8, "low": 0.6, "high": 0.95}
    gaps = [
        {
            "metric": "auroc",
            "label": None,
            "attribute": "site",
            "highest": "A",
            "lowest": "B",
            "comparisons": 3,
        }
        | {"gap": gap, "worst_group": "B", "worst": worst}
    ]
    lost = [
        {
            "metric": "auroc",
            "label": None,
            "attribute": "site",
            "group": "C",
            "cases": 4,
            "reason": "one class",
        }
    ]
    text = _shown(tmp_path, subgroup_gaps=gaps, subgroups_not_computed=lost)
    assert "site A – B 0.120 (0.000 to 0.300) 3 B: 0.800 (0.600 to 0.950)" in text
    assert "Not computed: site C, 4 cases (one class)." in text
    other = _shown(tmp_path, subgroups_not_computed=[lost[0] | {"metric": "sensitivity"}])
    assert "Sensitivity" in other and "site C, 4 cases (one class)." in other


def test_apparent_figures_are_called_so(tmp_path: Path) -> None:
    figure = {"estimate": 0.97, "low": 0.9, "high": 1.0, "optimism": 0.04}
    points = {"pneumonia": {"rule": "youden", "threshold": 0.4, "figures": {"apparent_sensitivity": figure}}}
    text = _shown(tmp_path, operating_points=points)
    assert "pneumonia 0.400 youden sensitivity 0.970 (0.040)" in text
    assert "Apparent: on the very patients on which the threshold was chosen" in text


def test_pictures_have_a_legend_of_their_colours(tmp_path: Path) -> None:
    report, figures = segmentation()
    text = _text(write_report(tmp_path, report, figures))
    assert "Colours: anterior, posterior." in text
    assert legend(report)[0] == ("anterior", "#e69f00") and legend(report)[1][1] == "#56b4e9"
    assert legend({"task": "classification", "labels": ["a", "b"]}) == []


def test_cases_that_do_not_show_a_label_are_no_points(tmp_path: Path) -> None:
    values = {"a": np.array([0.5, np.nan, 0.9]), "b": np.array([np.nan, np.nan, 0.8])}
    figure = PerCaseFigure("Dice", "Dice coefficient", ["x", "y", "z"], values, {})
    report, _ = segmentation()
    text = _text(write_report(tmp_path, report, ReportFigures([figure])))
    assert "x 0.500 – 0.500" in text and "y –" not in text
