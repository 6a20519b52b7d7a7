"""Cohort: the table of cases, cohort.csv or cohort.parquet, with every fault named by file, row and column."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from overread.cohort.case import Case, Wanted, cells_of, channel_columns, read_case
from overread.cohort.columns import FINDINGS, LABELS, VALUE, is_finding
from overread.cohort.splits.parts import SPLITS, split_of
from overread.cohort.table import CSV, PARQUET, read_table, write_csv
from overread.commands import command
from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes

__all__ = ["FILE", "Case", "Cohort"]

FILE = CSV
SEAL = "sealed/seal.json"
"""Where it is, the truth of the test cases is not in the table (`overread seal`)."""


@dataclass(frozen=True)
class Cohort:
    """The table of cases, split by patient.

    ``channel_names`` are the channels in the order of the table's columns; without them, those of the cases in
    the order in which they come. ``closed``: the same with its test still sealed, whose digest stands for both.
    """

    folder: Path
    cases: tuple[Case, ...]
    channel_names: tuple[str, ...] = ()
    closed: Cohort | None = None

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, in the order of the table's columns."""
        return self.channel_names or tuple(dict.fromkeys(k for c in self.cases for k in c.images))

    @property
    def findings(self) -> tuple[str, ...]:
        """Names of the ``label_<name>`` columns."""
        return tuple(dict.fromkeys(k for c in self.cases for k in c.findings))

    def split(self, name: str) -> tuple[Case, ...]:
        """The cases of ``train``, ``val`` or ``test``."""
        return tuple(c for c in self.cases if c.split == name)

    def fold(self, number: int) -> Cohort:
        """The cohort as one round of cross-validation: fold ``number`` (column ``fold``) is val, the others train.

        Test cases stay the test. Raises InputError where a case outside the test has no fold, or none has this one.
        """
        cases = []
        for c in self.cases:
            fold = c.attributes.get("fold", "")
            if c.split != "test" and not fold:
                raise InputError(
                    f"{self.folder}: row {c.row}: case {c.case!r} has no fold; `overread split --folds` writes them"
                )
            cases.append(
                c if c.split == "test" else replace(c, split="val" if fold == str(number) else "train")
            )
        if not any(c.split == "val" for c in cases):
            raise InputError(f"{self.folder}: no case is in fold {number}; folds are numbered from 0")
        return replace(self, cases=tuple(cases))

    def digest(self, split: str | None = None) -> str:
        """SHA-256 of the table (not of the pixels) of one split, or of all, independent of the row order."""
        if self.closed is not None:
            return self.closed.digest(split)
        rows = [self._facts(c) for c in sorted(self.cases, key=lambda c: c.case) if split in (None, c.split)]
        return sha256_bytes(canonical_json(rows).encode())

    def _facts(self, c: Case) -> list[Any]:
        facts: list[Any] = [c.case, c.patient, c.split, c.label, self._relative(c.mask)]
        facts.append({k: self._relative(p) for k, p in c.images.items()})
        date = c.date.isoformat() if c.date else None
        more = {
            "labels": dict(c.findings),
            "boxes": self._relative(c.boxes),
            "visit": c.visit,
            "date": date,
            "days": c.days,
            "values": dict(c.values),
            "readings": dict(c.readings),
        }
        # Tables without these columns keep the digest that they had before there were any.
        more = {k: v for k, v in more.items() if v not in (None, "", {})}
        return [*facts, more] if more else facts

    def _relative(self, path: Path | None) -> str | None:
        if path is None:
            return None
        return (
            path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else path.as_posix()
        )

    @classmethod
    def read(
        cls,
        folder: str | Path,
        *,
        need: str | None = None,
        labels: Iterable[str] | None = None,
        fractions: Mapping[str, float] | None = None,
        seed: int = 0,
        missing_channels: bool = False,
        bounds: tuple[float | None, float | None] = (None, None),
    ) -> Cohort:
        """Read the table in ``folder``.

        Parameters
        ----------
        need
            The column that must be there and filled in every row, as the ``COLUMN`` of a kind of truth
            (`overread.cohort.truth.TRUTHS`) names it. ``"labels"`` stands for the columns ``label_<name>``, whose cells
            may be empty; ``"value"`` for the one that bears the first of ``labels`` as its name.
        labels
            The protocol's: for ``need="label"`` the class names allowed there, of which each split must have one; for
            ``need="labels"`` the findings that must have a column. Other truths lie in files, not read here.
        fractions, seed
            Share of patients per split where the table has no ``split`` column; see `split_of`.
        missing_channels
            Accept cases that lack some of the channels: `Case.images` then does, too.
        bounds
            Least and greatest number of ``need="value"``; None for no bound.

        Raises
        ------
        InputError
            Missing file or column, empty or doubled case, missing image or mask file, label outside
            ``labels``, a patient in two splits, a split or class without a case.
        """
        folder = Path(folder)
        table = read_table(folder)
        path, columns = table.path, table.columns
        channels = channel_columns(columns, path)
        allowed = list(labels) if labels is not None else None
        for column in ("case", "patient", *_asked(need, allowed, columns)):
            if column not in columns:
                raise InputError(
                    f"{path}: no column {column!r}; found {', '.join(columns) or 'an empty file'}"
                )
        values = _asked(need, allowed, columns) if need == VALUE else []
        filled = None if need in (FINDINGS, VALUE) else need
        sealed = (folder / SEAL).is_file()
        wanted = Wanted(channels, filled, allowed, missing_channels, values, bounds, sealed)
        cases = tuple(
            read_case(folder, path, n, row, wanted) for n, row in enumerate(table.rows, table.first)
        )
        if not cases:
            raise InputError(f"{path}: has a header and no case; expected one row per examination")
        doubled = [name for name, count in Counter(c.case for c in cases).items() if count > 1]
        if doubled:
            raise InputError(
                f"{path}: case {doubled[0]!r} stands in more than one row; give each examination its own name"
            )
        if "split" not in columns:
            cases = tuple(replace(c, split=split_of(c.patient, fractions, seed)) for c in cases)
        cohort = cls(folder, cases, tuple(channels.values()))
        cohort._check_splits(path)
        if allowed is not None and need == "label":
            cohort._check_classes(path, allowed)
        return cohort

    def _check_splits(self, path: Path) -> None:
        seen: dict[str, dict[str, int]] = defaultdict(dict)
        for c in self.cases:
            seen[c.patient].setdefault(c.split, c.row)
        for patient, splits in seen.items():
            if len(splits) > 1:
                where = ", ".join(f"{name} (row {row})" for name, row in sorted(splits.items()))
                raise InputError(
                    f"{path}: patient {patient!r} is in two splits: {where}; keep each patient in one"
                )
        for name in SPLITS:
            if not self.split(name):
                how = command("split", path.parent)
                raise InputError(
                    f"{path}: no case in split {name!r}; expected cases in each of {', '.join(SPLITS)}. "
                    + (
                        f"{how} takes them from train, and leaves the test as it is"
                        if name == "val" and self.split("test")
                        else f"{how} --anew deals all patients, without column split or with it"
                    )
                )

    def _check_classes(self, path: Path, labels: list[str]) -> None:
        for name in SPLITS:
            found = Counter(c.label for c in self.split(name))
            for label in labels:
                if not found[label] and not all(c.sealed for c in self.split(name)):
                    raise InputError(
                        f"{path}: class {label!r} has no case in split {name!r}; add cases or drop the class"
                    )

    def write(self) -> Path:
        """Write cohort.csv atomically; paths inside the folder are written relative to it."""
        path = self.folder / FILE
        if (self.folder / PARQUET).exists():
            raise InputError(f"{self.folder}: holds {PARQUET}; move it away before {FILE} is written")
        channels = self.channels
        images = {c: "image" if len(channels) == 1 and c == "image" else f"image_{c}" for c in channels}
        filled = [
            k
            for k in ("label", "mask", "boxes", "visit", "date", "days")
            if any(getattr(c, k) not in (None, "") for c in self.cases)
        ]
        columns = ["case", "patient", "split", *images.values(), *filled]
        columns += [f"{LABELS}{name}" for name in self.findings]
        columns += dict.fromkeys(k for c in self.cases for k in (*c.readings, *c.attributes))
        rows = []
        for c in self.cases:
            paths = {"mask": self._relative(c.mask), "boxes": self._relative(c.boxes)}
            paths |= {images[k]: self._relative(p) for k, p in c.images.items()}
            rows.append(cells_of(c, paths, columns))
        write_csv(path, columns, rows)
        return path


def _asked(need: str | None, labels: list[str] | None, columns: Sequence[str]) -> list[str]:
    """The columns that ``need`` asks for."""
    if need == VALUE:
        return list(labels or [VALUE])[:1]
    if need != FINDINGS:
        return [need] if need else []
    if labels is not None:
        return [f"{LABELS}{name}" for name in labels]
    return [] if any(map(is_finding, columns)) else [f"{LABELS}<name>"]
