"""Case and Cohort: cohort.csv, read with every fault named by file, row and column."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from overread.cohort.split import SPLITS, split_of
from overread.errors import InputError
from overread.files import atomic_path, canonical_json, sha256_bytes

FILE = "cohort.csv"
# Results are written to files named after cases.
CASE_NAME = re.compile(r"[^\W_][\w.-]*")
KNOWN = ("case", "patient", "split", "label", "mask")


@dataclass(frozen=True)
class Case:
    """One row of cohort.csv: one examination of one patient.

    ``images`` maps channel name to file (a DICOM series is a folder); ``label`` is a class name;
    ``mask`` is a label map on the grid of the first channel; ``attributes`` holds every other column
    (age in years, sex, site, scanner ...) as written.
    """

    case: str
    patient: str
    images: Mapping[str, Path]
    label: str | None = None
    mask: Path | None = None
    split: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    row: int = 0


@dataclass(frozen=True)
class Cohort:
    """The table of cases, split by patient."""

    folder: Path
    cases: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, in the order of the table's columns."""
        return tuple(self.cases[0].images)

    def split(self, name: str) -> tuple[Case, ...]:
        """The cases of ``train``, ``val`` or ``test``."""
        return tuple(c for c in self.cases if c.split == name)

    def digest(self, split: str | None = None) -> str:
        """SHA-256 of the table (not of the pixels) of one split, or of all, independent of the row order."""
        rows = [
            [
                c.case,
                c.patient,
                c.split,
                c.label,
                self._relative(c.mask),
                {k: self._relative(p) for k, p in c.images.items()},
            ]
            for c in sorted(self.cases, key=lambda c: c.case)
            if split in (None, c.split)
        ]
        return sha256_bytes(canonical_json(rows).encode())

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
    ) -> Cohort:
        """Read ``folder/cohort.csv``.

        Parameters
        ----------
        need
            ``"label"`` (classification) or ``"mask"`` (segmentation): the column that must be filled.
        labels
            The class names allowed in ``label``.
        fractions, seed
            Share of patients per split where the table has no ``split`` column; see `split_of`.

        Raises
        ------
        InputError
            Missing file or column, empty or doubled case, missing image or mask file, label outside
            ``labels``, a patient in two splits, a split or class without a case.
        """
        folder = Path(folder)
        path = folder / FILE
        if not path.is_file():
            raise InputError(
                f"{path}: no such file; write one (docs/cohort.md) or make one with `overread import`"
            )
        try:
            with path.open(encoding="utf-8-sig", newline="") as f:
                reader = csv.DictReader(f)
                columns = list(reader.fieldnames or [])
                rows = list(reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: not a CSV file in UTF-8 ({error})") from error
        doubled = [name for name, count in Counter(columns).items() if count > 1]
        if doubled:
            raise InputError(f"{path}: column {doubled[0]!r} stands twice in the header; keep one")
        channels = _channels(columns, path)
        for column in ("case", "patient", *([need] if need else [])):
            if column not in columns:
                raise InputError(
                    f"{path}: no column {column!r}; found {', '.join(columns) or 'an empty file'}"
                )
        allowed = list(labels) if labels is not None else None
        cases = tuple(_case(folder, path, n, row, channels, need, allowed) for n, row in enumerate(rows, 2))
        if not cases:
            raise InputError(f"{path}: has a header and no case; expected one row per examination")
        doubled = [name for name, count in Counter(c.case for c in cases).items() if count > 1]
        if doubled:
            raise InputError(
                f"{path}: case {doubled[0]!r} stands in more than one row; give each examination its own name"
            )
        if "split" not in columns:
            cases = tuple(replace(c, split=split_of(c.patient, fractions, seed)) for c in cases)
        cohort = cls(folder, cases)
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
                raise InputError(
                    f"{path}: no case in split {name!r}; expected cases in each of {', '.join(SPLITS)}"
                )

    def _check_classes(self, path: Path, labels: list[str]) -> None:
        for name in SPLITS:
            found = Counter(c.label for c in self.split(name))
            for label in labels:
                if not found[label]:
                    raise InputError(
                        f"{path}: class {label!r} has no case in split {name!r}; add cases or drop the class"
                    )

    def write(self) -> Path:
        """Write cohort.csv atomically; paths inside the folder are written relative to it."""
        path = self.folder / FILE
        attributes = list(dict.fromkeys(k for c in self.cases for k in c.attributes))
        channels = self.channels
        images = {c: "image" if len(channels) == 1 and c == "image" else f"image_{c}" for c in channels}
        columns = ["case", "patient", "split", *images.values()]
        columns += [k for k in ("label", "mask") if any(getattr(c, k) is not None for c in self.cases)]
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, [*columns, *attributes], extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for c in self.cases:
                row = {
                    "case": c.case,
                    "patient": c.patient,
                    "split": c.split,
                    "label": c.label,
                    "mask": self._relative(c.mask),
                }
                row |= {images[k]: self._relative(p) for k, p in c.images.items()} | dict(c.attributes)
                writer.writerow(row)
        return path


def _channels(columns: list[str], path: Path) -> dict[str, str]:
    """Channel name by column name."""
    found = {c: c.removeprefix("image_") for c in columns if c == "image" or c.startswith("image_")}
    if not found:
        raise InputError(
            f"{path}: no column 'image' or 'image_<channel>'; found {', '.join(columns) or 'an empty file'}"
        )
    return found


def _case(
    folder: Path,
    path: Path,
    n: int,
    row: dict[str, str | None],
    channels: dict[str, str],
    need: str | None,
    labels: list[str] | None,
) -> Case:
    if None in row or None in row.values():
        raise InputError(f"{path}: row {n} has more or fewer cells than the header; check for a stray comma")

    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    for column in ("case", "patient", *channels, *([need] if need else [])):
        if not cell(column):
            raise InputError(f"{path}: row {n}: column {column!r} is empty; every case needs it")
    if not CASE_NAME.fullmatch(cell("case")):
        raise InputError(
            f"{path}: row {n}: case is {cell('case')!r}; expected letters, digits and ._- for it names files"
        )
    split = cell("split")
    if "split" in row and split not in SPLITS:
        raise InputError(f"{path}: row {n}: split is {split!r}, expected one of {', '.join(SPLITS)}")
    label = cell("label") or None
    if need == "label" and labels is not None and label not in labels:
        raise InputError(
            f"{path}: row {n}: label {label!r} is not a class of the protocol; "
            f"expected one of {', '.join(labels)}"
        )
    images = {name: _existing(folder, cell(column), path, n, column) for column, name in channels.items()}
    mask = _existing(folder, cell("mask"), path, n, "mask") if cell("mask") else None
    known = {*KNOWN, *channels}
    attributes = {str(k): cell(str(k)) for k in row if k not in known}
    return Case(cell("case"), cell("patient"), images, label, mask, split, attributes, n)


def _existing(folder: Path, text: str, path: Path, n: int, column: str) -> Path:
    found = folder / text
    if not found.exists():
        raise InputError(f"{path}: row {n}: {column} file {found} does not exist")
    return found
