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

from overread.pipeline.report import ReportFigures, write_report
from overread.pipeline.report_words import (
    duration,
    interval,
    meanings,
    metric_base,
    metric_name,
    moment,
    number,
)
from overread.stats.calibration import brier, ece
from overread.stats.diagnostic import balanced_accuracy, diagnostic_accuracy
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci
from overread.stats.roc import auc, auc_macro, operating_point

HASHES = {name: name[0] * 64 for name in ("cohort", "protocol", "plan", "weights", "package", "ledger head")}


def _metric(found: Interval, unit: str) -> dict[str, Any]:
    return found.as_dict() | {"unit": unit}


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
                "val_metric": float(1 - np.exp(-e / 8)),
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
    test = {
        "auroc": _metric(auc(y, p), "area under the ROC curve"),
        "sensitivity": _metric(table.sensitivity, "proportion of cases"),
        "specificity": _metric(table.specificity, "proportion of cases"),
        "balanced_accuracy": _metric(
            balanced_accuracy(y, said, resamples=200), "mean of class sensitivities"
        ),
        "brier": _metric(brier(y, p), "squared probability"),
        "ece": _metric(ece(y, p, resamples=200), "probability"),
    }
    groups = [
        ("sex", "F", slice(0, 190)),
        ("sex", "M", slice(190, 400)),
        ("site", "A", slice(0, 90)),
        ("site", "B", slice(90, 130)),
    ]
    report = _common("classification", ["normal", "pneumonia"]) | {
        "positive": "pneumonia",
        "test": test,
        "primary": "auroc",
        "operating_point": {"rule": "youden", "threshold": point.threshold},
        "endpoints": [
            {
                "metric": "auroc",
                "goal": 0.96,
                "judged_on": "estimate",
                "met": True,
                **{k: test["auroc"][k] for k in ("estimate", "low", "high")},
            },
            {
                "metric": "specificity",
                "goal": 0.99,
                "judged_on": "low",
                "met": False,
                **{k: test["specificity"][k] for k in ("estimate", "low", "high")},
            },
        ],
        "subgroups": [
            {"attribute": a, "group": g, "n": len(y[s]), "metric": "auroc", **auc(y[s], p[s]).as_dict()}
            | {"n": len(y[s])}
            for a, g, s in groups
        ],
    }
    return report, ReportFigures(y=y, probability=np.column_stack([1 - p, p]), gallery=_pictures(generator))


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
    test = {
        "dice": _metric(mean_ci((front + back) / 2), "overlap, 0 to 1"),
        "dice_anterior": _metric(mean_ci(front), "overlap, 0 to 1"),
        "dice_posterior": _metric(mean_ci(back), "overlap, 0 to 1"),
        "hd95_anterior": _metric(mean_ci(generator.gamma(3, 0.5, 40)), "mm"),
        "volume_error_posterior": _metric(mean_ci(generator.normal(-0.4, 1, 40)), "ml, found minus true"),
    }
    report = _common("segmentation", ["background", "anterior", "posterior"]) | {
        "virtual": True,
        "test": test,
        "primary": "dice",
        "operating_point": None,
        "endpoints": [],
        "subgroups": [],
        "openings": 3,
    }
    per_case = [
        {"case": f"case-{i:03d}", "anterior": a, "posterior": b}
        for i, (a, b) in enumerate(zip(front, back, strict=True))
    ]
    return report, ReportFigures(per_case=per_case, gallery=_pictures(generator))


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
    for key, row in report["test"].items():
        assert f"{metric_name(key)} {interval(row)}" in text, key
        assert row["method"] in text and row["unit"] in text
    for row in report["subgroups"]:
        assert f"{row['group']} {row['n']} {interval(row)}" in text
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
        assert f"{metric_name(endpoint['metric'])} at least {numbers} {judged} {verdict}" in text
    assert "1 of 2 goals" in text
    marked = re.findall(r'<span class="judged">([^<]+)</span>', path.read_text(encoding="utf-8"))
    assert marked == [number(report["endpoints"][0]["estimate"]), number(report["endpoints"][1]["low"])]


def test_virtual_patients_and_repeated_openings_are_said(tmp_path: Path) -> None:
    report, figures = segmentation()
    text = _text(write_report(tmp_path, report, figures))
    assert text.count("irtual patients") >= 3 and "opened 3 times" in text and "exploratory" in text
    assert "No goal was fixed" in text
    plain = _text(write_report(tmp_path, report | {"virtual": False, "openings": 1}, figures))
    assert "irtual" not in plain and "exploratory" not in plain and "opened once" in plain


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
    assert len(sources) >= 11
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
    report["test"] = {f"dice_{evil}": report["test"]["dice"] | {"unit": evil, "method": evil}}
    report["primary"] = f"dice_{evil}"
    report["evidence"] = {evil: evil}
    report["versions"] = {evil: evil}
    report["subgroups"] = [
        {
            "attribute": evil,
            "group": evil,
            "n": 3,
            "metric": f"dice_{evil}",
            "estimate": 0.5,
            "low": 0.4,
            "high": 0.6,
        }
    ]
    figures = ReportFigures(
        per_case=[{"case": evil, evil: 0.5}, {"case": "b", evil: 0.7}],
        gallery=[(evil, evil, figures.gallery[0][2])],
    )
    path = write_report(tmp_path, report, figures)
    assert "<script" not in path.read_text(encoding="utf-8")
    _tags(path)
    assert evil in _text(path) or "alert('x')" in _text(path)


def test_three_classes(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    y = generator.integers(0, 3, 90)
    p = generator.random((90, 3)) + 1.0 * (y[:, None] == np.arange(3))
    p /= p.sum(axis=1, keepdims=True)
    labels = ["a", "b", "c"]
    test = {"auroc_macro": _metric(auc_macro(y, p, resamples=100), "mean one-against-rest area")}
    test |= {f"auroc_{label}": _metric(auc(y == k, p[:, k]), "area") for k, label in enumerate(labels)}
    report = _common("classification", labels) | {
        "test": test,
        "endpoints": [],
        "subgroups": [],
        "operating_point": None,
    }
    text = _text(write_report(tmp_path, report, ReportFigures(y=y, probability=p)))
    assert "Area under the ROC curve, mean over classes" in text and "Area under the ROC curve, b" in text


def test_missing_parts_are_left_out(tmp_path: Path) -> None:
    bare = {
        "name": "x",
        "created": "2026-11-20",
        "virtual": False,
        "task": "segmentation",
        "labels": ["a", "b"],
        "test": {},
    }
    path = write_report(tmp_path, bare, ReportFigures())
    text = _text(path)
    assert "no test case was answered" in text and "Subgroups" not in text and "Pictures" not in text
    assert not [t for t in _tags(path).attributes if t[0] == "img"]
    one = {"y": np.array([1, 1]), "probability": np.array([[0.2, 0.8], [0.4, 0.6]])}
    path = write_report(tmp_path, bare | {"labels": ["a", "b"], "positive": "b"}, ReportFigures(**one))
    assert "ROC" not in _text(path)


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
    assert metric_name("lesion_f1_white_matter lesion") == "Lesion F1, white_matter lesion"
    assert metric_name("auroc_macro") == "Area under the ROC curve, mean over classes"
    assert metric_name("new_measure") == "new measure" and metric_base("new_measure") == "new_measure"
    assert [name for name, _ in meanings(["dice", "dice_a", "hd95_a", "zzz"])] == [
        "Dice coefficient",
        "95% Hausdorff distance",
    ]
