"""Splits: shares are met, nobody moves when rows are added, and a table keeps everything else."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.cohort.cohort import Cohort
from overread.cohort.splits import (
    by_patient,
    by_site,
    folds,
    leave_sites_out,
    split_table,
    stratified,
    temporal,
)
from overread.cohort.splits.parts import FRACTIONS, SPLITS
from overread.cohort.table import read_table
from overread.errors import InputError

NAMES = st.lists(st.text(max_size=8), unique=True, min_size=1, max_size=40)


def _strata(patients: list[str]) -> dict[str, str]:
    return {p: "abc"[min(2, len(p) % 5)] for p in patients}


@settings(max_examples=50, deadline=None)
@given(first=NAMES, more=NAMES, seed=st.integers(0, 99))
def test_nobody_moves_when_patients_are_added(first: list[str], more: list[str], seed: int) -> None:
    both = list(dict.fromkeys([*more, *first]))
    strata = _strata(both)
    assert by_patient(both, seed=seed).items() >= by_patient(first, seed=seed).items()
    old = stratified(first, strata, seed=seed)
    assert stratified(both, strata, seed=seed, current=old).items() >= old.items()
    if len(first) >= 3:
        parts = folds(first, 3, strata=strata, seed=seed)
        assert folds(both, 3, strata=strata, seed=seed, current=parts).items() >= parts.items()


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    seed=st.integers(0, 99),
    train=st.sampled_from([0.5, 0.7, 0.8]),
)
def test_every_class_has_its_share(sizes: list[int], seed: int, train: float) -> None:
    fractions = {"train": train, "val": 0.1, "test": 0.9 - train}
    strata = {f"{k}-{i}": str(k) for k, n in enumerate(sizes) for i in range(n)}
    found = stratified(strata, strata, fractions=fractions, seed=seed)
    for k, n in enumerate(sizes):
        counts = Counter(s for p, s in found.items() if strata[p] == str(k))
        assert all(abs(counts[s] - fractions[s] * n) <= 2 for s in SPLITS), counts
        assert n < 3 or len(counts) == 3
    assert stratified(reversed(list(strata)), strata, fractions=fractions, seed=seed) == found


def test_seed_and_order(seed: int = 3) -> None:
    patients = [f"p{i}" for i in range(200)]
    assert stratified(patients, {}, seed=seed) != stratified(patients, {}, seed=seed + 1)
    counts = Counter(stratified(patients, {}, seed=seed).values())
    assert counts == {s: round(200 * f) for s, f in FRACTIONS.items()}


@settings(max_examples=50, deadline=None)
@given(n=st.integers(6, 80), k=st.integers(2, 6), seed=st.integers(0, 9))
def test_folds_are_of_one_size(n: int, k: int, seed: int) -> None:
    patients = [f"p{i}" for i in range(n)]
    counts = Counter(folds(patients, k, seed=seed).values())
    assert set(counts) == set(range(k)) and max(counts.values()) - min(counts.values()) <= 2


def test_impossible_folds() -> None:
    with pytest.raises(InputError, match="2 patients for 3 folds"):
        folds(["a", "b"], 3)
    with pytest.raises(InputError, match="found 1, expected 2 or more"):
        folds(["a", "b"], 1)
    with pytest.raises(InputError, match="found 4, expected 0 to 2"):
        folds(["a", "b", "c"], 3, current={"a": 4})


SITES = {f"p{i}": [f"s{i % 7}"] for i in range(70)}


def test_sites_stay_whole() -> None:
    found = by_site(SITES, SITES)
    of = {(SITES[p][0], s) for p, s in found.items()}
    assert len(of) == 7 and {s for _, s in of} == set(SPLITS)
    more = SITES | {f"q{i}": ["s8"] for i in range(9)} | {"r": ["s3"]}
    later = by_site(more, more, current=found)
    assert later.items() >= found.items() and later["r"] == found["p3"]
    assert len({later[f"q{i}"] for i in range(9)}) == 1
    parts = folds(SITES, 3, sites=SITES)
    assert len({(SITES[p][0], f) for p, f in parts.items()}) == 7 and set(parts.values()) == {0, 1, 2}


def test_sites_joined_by_a_patient_go_together() -> None:
    joined = SITES | {"both": ["s0", "s1"]}
    found = by_site(joined, joined)
    assert found["p0"] == found["p1"] == found["both"]
    apart = by_site(SITES, SITES)
    first, second = next(
        (f"s{i}", f"s{j}") for i in range(7) for j in range(7) if apart[f"p{i}"] != apart[f"p{j}"]
    )
    with pytest.raises(InputError, match="sites that share patients"):
        torn = SITES | {"both": [first, second]}
        by_site(torn, torn, current=apart)
    with pytest.raises(InputError, match="expected 3 or more"):
        by_site(["a", "b"], {"a": ["x"], "b": ["y"]})
    with pytest.raises(InputError, match="patient 'a' has none"):
        by_site(["a"], {"a": [""]})


def test_a_site_left_out() -> None:
    travelled = SITES | {"t": ["s2", "s5"]}
    found = leave_sites_out(travelled, travelled, ["s5"])
    assert {p for p, s in found.items() if s == "test"} == {p for p, s in travelled.items() if "s5" in s}
    assert Counter(found.values())["train"] > 40 and Counter(found.values())["val"] > 0
    more = travelled | {f"q{i}": ["s9"] for i in range(20)}
    assert leave_sites_out(more, more, ["s5"], current=found).items() >= found.items()
    moved = travelled | {"p0": ["s0", "s5"]}
    with pytest.raises(InputError, match=r"patient 'p0' is in (train|val), and in test by site"):
        leave_sites_out(moved, moved, ["s5"], current=found)
    with pytest.raises(InputError, match="nobody was seen at 'nowhere'"):
        leave_sites_out(SITES, SITES, ["nowhere"])


def test_the_past_and_the_future() -> None:
    last = {f"p{i}": float(i) for i in range(100)}
    found = temporal(last)
    assert Counter(found.values()) == {"train": 70, "val": 10, "test": 20}
    assert [found[f"p{i}"] for i in (69, 70, 79, 80)] == ["train", "val", "val", "test"]
    more = last | {"old": 3.5, "between": 75.2, "new": 400.0}
    later = temporal(more, current=found)
    assert later.items() >= found.items()
    assert (later["old"], later["between"], later["new"]) == ("train", "val", "test")
    assert temporal(last, cuts=(9, 19))["p19"] == "val" and temporal(last, cuts=(9, 19))["p20"] == "test"
    with pytest.raises(
        InputError, match="patient 'p5' is in train and was seen when a later split had begun"
    ):
        temporal(last | {"p5": 90.0}, current=found)
    with pytest.raises(InputError, match="the earlier first"):
        temporal(last, cuts=(5, 5))
    with pytest.raises(InputError, match="no patient was last seen in the time of test"):
        temporal(last, cuts=(5, 500))
    with pytest.raises(InputError, match="found 2 different times"):
        temporal({"a": 1, "b": 1, "c": 2})


@settings(max_examples=40, deadline=None)
@given(times=st.lists(st.integers(0, 30), min_size=3, max_size=40))
def test_train_is_older_than_val_is_older_than_test(times: list[int]) -> None:
    last = {str(i): float(t) for i, t in enumerate(times)}
    if len(set(times)) < 3:
        return
    found = temporal(last)
    spans = [[last[p] for p, s in found.items() if s == split] for split in SPLITS]
    assert all(spans) and max(spans[0]) < min(spans[1]) and max(spans[1]) < min(spans[2])


WriteTable = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> WriteTable:
    """Write a table of 60 patients with two visits each; ``change`` edits a row, ``more`` adds patients."""

    def write(more: int = 0, change: Callable[[dict[str, str]], object] = lambda row: None) -> Path:
        (tmp_path / "x.png").write_bytes(b"")
        old = {}
        path = tmp_path / "cohort.csv"
        if path.is_file():
            with path.open() as f:
                old = {r["case"]: r for r in csv.DictReader(f)}
        rows = []
        for i in range(60 + more):
            for visit in (1, 2):
                row = {
                    "case": f"c{i}-{visit}",
                    "patient": f"p{i}",
                    "note": ' kept, "as is" ',
                    "image": "x.png",
                    "label": "rare" if i % 10 == 0 else "common",
                    "site": "ABCDEF"[i % 6],
                    "date": f"20{10 + i % 12}-0{visit}-01",
                }
                rows.append(
                    row | {k: v for k, v in old.get(row["case"], {}).items() if k in ("split", "fold")}
                )
                change(rows[-1])
        columns = list(dict.fromkeys(k for r in rows for k in r))
        with path.open("w", newline="") as f:
            writer = csv.DictWriter(f, columns)
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path

    return write


@pytest.mark.parametrize("method", ["patient", "stratified", "site", "temporal"])
def test_a_table_is_split_and_split_again(table: WriteTable, method: str) -> None:
    folder = table()
    result = split_table(folder, method=method, k=3)  # type: ignore[arg-type]
    first = {c.case: (c.split, c.attributes["fold"]) for c in Cohort.read(folder)}
    assert result.kept == 0 and sum(result.cases.values()) == 120 and sum(result.patients.values()) == 60
    assert {f for s, f in first.values() if s == "test"} == {""}
    assert {f for s, f in first.values() if s != "test"} == {"0", "1", "2"}
    table(more=30)
    result = split_table(folder, method=method, k=3)  # type: ignore[arg-type]
    cohort = Cohort.read(folder)
    second = {c.case: (c.split, c.attributes["fold"]) for c in cohort}
    assert result.kept == 60 and len(second) == 180 and second.items() >= first.items()
    assert all(c.attributes["note"] == 'kept, "as is"' for c in cohort)
    assert ' kept, ""as is"" ' in (folder / "cohort.csv").read_text()


def test_classes_of_a_table(table: WriteTable) -> None:
    split_table(table(), method="stratified", fractions={"train": 0.5, "val": 0.25, "test": 0.25})
    cohort = Cohort.read(table())
    rare = Counter(s for s in {c.patient: c.split for c in cohort if c.label == "rare"}.values())
    assert rare == {"train": 3, "val": 1, "test": 2} or rare == {"train": 3, "val": 2, "test": 1}


def test_many_classes_named_by_numbers_each_have_their_share(table: WriteTable) -> None:
    folder = table(change=lambda row: row.update(label=str(int(row["patient"][1:]) % 12)))
    split_table(folder, fractions={"train": 0.4, "val": 0.2, "test": 0.4})
    people = {(c.patient, c.label, c.split) for c in Cohort.read(folder)}
    counts = Counter((label, split) for _, label, split in people)
    assert {counts[str(k), s] for k in range(12) for s in ("train", "test")} == {2}


def test_anew_forgets(table: WriteTable) -> None:
    folder = table()
    split_table(folder, method="stratified", seed=1)
    first = (folder / "cohort.csv").read_text()
    split_table(folder, method="stratified", seed=2)
    assert (folder / "cohort.csv").read_text() == first
    split_table(folder, method="stratified", seed=2, anew=True)
    assert (folder / "cohort.csv").read_text() != first


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sites": ["North"]}, "test sites are for the method site, found stratified"),
        ({"cuts": ["2020-01-01", "2021-01-01"]}, "cuts are for the method temporal, found stratified"),
        ({"method": "patient", "by": ["label"]}, "columns to stratify by"),
        ({"fractions": {"train": 0.5, "val": 0.5, "test": float("nan")}}, "that sum to 1"),
    ],
)
def test_what_a_method_would_pass_over_is_refused(
    table: WriteTable, options: dict[str, Any], said: str
) -> None:
    folder = table()
    before = (folder / "cohort.csv").read_text()
    with pytest.raises(InputError, match=said):
        split_table(folder, **options)
    assert (folder / "cohort.csv").read_text() == before
    split_table(folder, method="patient", by=["label"], k=3)


def test_anew_without_folds_leaves_no_fold_of_the_splits_before(table: WriteTable) -> None:
    folder = table()
    split_table(folder, method="stratified", seed=1, k=3)
    assert any(row["fold"] for row in read_table(folder).rows)
    split_table(folder, method="stratified", seed=2, anew=True)
    assert {row["fold"] for row in read_table(folder).rows} == {""}


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda r: r.pop("site"), {"method": "site"}, "no column 'site'"),
        (lambda r: r.update(site=""), {"method": "site"}, "row 2: column 'site' is empty"),
        (lambda r: r.update(date="May"), {"method": "temporal"}, "row 2: date is 'May'"),
        (lambda r: r, {"method": "alphabet"}, "method is 'alphabet', expected one of patient, stratified"),
        (lambda r: r, {"by": ["grade"]}, "no column 'grade'"),
        (lambda r: r.update(split="dev"), {}, "is 'dev', expected train, val, test"),
        (lambda r: r, {"fractions": {"train": 1, "val": 0, "test": 0}}, "positive shares"),
        (
            lambda r: r.update(split="train" if r["case"].endswith("1") else "val"),
            {},
            "is in split train and val",
        ),
        (lambda r: r.update(fold="x", split="train"), {"k": 3}, "fold is 'x'"),
        (lambda r: r, {"method": "temporal", "cuts": ["2012-01-01"]}, "expected two times"),
    ],
)
def test_faults_are_named_and_nothing_is_written(
    table: WriteTable, change: Callable[[dict[str, str]], object], options: dict[str, object], said: str
) -> None:
    folder = table(change=change)
    before = (folder / "cohort.csv").read_bytes()
    with pytest.raises(InputError, match=said):
        split_table(folder, **options)  # type: ignore[arg-type]
    assert (folder / "cohort.csv").read_bytes() == before


def test_findings_are_strata(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    lines = ["case,patient,image,label_mass,label_fluid"]
    lines += [f"c{i},p{i},x.png,{int(i % 10 == 0)},{int(i % 3 == 0)}" for i in range(100)]
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    split_table(tmp_path, fractions={"train": 0.6, "val": 0.2, "test": 0.2})
    cohort = Cohort.read(tmp_path)
    for name, n in (("mass", 10), ("fluid", 34)):
        found = Counter(c.split for c in cohort if c.findings[name] == 1)
        assert all(abs(found[s] - n * f) <= 3 for s, f in (("train", 0.6), ("val", 0.2), ("test", 0.2))), name


def test_rounds_of_cross_validation(table: WriteTable) -> None:
    folder = table()
    split_table(folder, k=3)
    cohort = Cohort.read(folder)
    sealed = {c.case for c in cohort.split("test")}
    seen: list[str] = []
    for n in range(3):
        part = cohort.fold(n)
        assert {c.case for c in part.split("test")} == sealed
        assert not {c.patient for c in part.split("val")} & {c.patient for c in part.split("train")}
        seen += [c.case for c in part.split("val")]
    assert sorted([*seen, *sealed]) == sorted(c.case for c in cohort)
    with pytest.raises(InputError, match="no case is in fold 3"):
        cohort.fold(3)
    split_table(folder, anew=True)
    with pytest.raises(InputError, match="has no fold; `overread split --folds` writes them"):
        Cohort.read(folder).fold(0)
