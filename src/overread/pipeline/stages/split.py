"""split: write the column split (and fold) of a cohort's table, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from overread.cohort.columns import VALUE
from overread.cohort.splits import SplitResult, split_table
from overread.errors import InputError
from overread.files import sha256_file
from overread.pipeline.evidence import chain, verify_chain
from overread.pipeline.protocol import FILE, read_protocol
from overread.pipeline.workspace import console


def split_stage(
    folder: Path,
    *,
    method: str,
    by: Sequence[str],
    sites: Sequence[str],
    cuts: Sequence[str],
    folds: int | None,
    fractions: str | None,
    seed: int | None,
    anew: bool,
) -> None:
    """Split ``folder``'s table; shares come from protocol.yaml where there is one and they are not given."""
    verify_chain(folder)
    protocol = read_protocol(folder) if (folder / FILE).is_file() else None
    share: Mapping[str, float] | None = protocol.split if protocol else None
    if protocol is not None and protocol.facts.truth == VALUE and method == "stratified":
        # Every fifth of the numbers has its share of each part.
        by = by or protocol.labels
    result = split_table(
        folder,
        method=method,  # type: ignore[arg-type]
        by=by,
        sites=sites,
        cuts=cuts,
        k=folds,
        fractions=_fractions(fractions) if fractions else share,
        seed=seed or 0,
        anew=anew,
    )
    _print(result)
    chain(folder).append(
        "cohort.split",
        {
            "method": method,
            "seed": seed or 0,
            "anew": anew,
            "patients": dict(result.patients),
            "cases": dict(result.cases),
            "kept": result.kept,
            "table_sha256": sha256_file(result.path),
        },
    )


def _fractions(text: str) -> dict[str, float]:
    """``0.7,0.1,0.2`` as shares of train, val and test."""
    try:
        train, val, test = (float(v) for v in text.split(","))
    except ValueError as error:
        raise InputError(f"--fractions: found {text!r}, expected three shares such as 0.7,0.1,0.2") from error
    return {"train": train, "val": val, "test": test}


def _print(result: SplitResult) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("split", "patients", "cases"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for name, n in result.patients.items():
        table.add_row(name, str(n), str(result.cases[name]))
    console.print(table)
    if result.folds:
        console.print(
            f"folds: {', '.join(f'{k}: {n}' for k, n in result.folds.items())} patients", highlight=False
        )
    if result.carved:
        console.print(
            "The test stays as the table gives it; the tuning patients (val) were taken from the others, of every "
            "class its share.",
            highlight=False,
        )
    console.print(f"Wrote {result.path}; {result.kept} patients had a split and keep it.", highlight=False)
