"""What `overread deidentify` and `overread reveal` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from overread.deidentify.mapping import is_encrypted, read_map
from overread.deidentify.report import FILES, FOUND, REPORT, UNSEEN
from overread.deidentify.run import Result, deidentify
from overread.errors import InputError, OverreadError, printable
from overread.imaging.text_finder import finder
from overread.keys.passphrase import ask_passphrase


def deidentify_command(
    paths: Sequence[Path],
    out: Path,
    key: Path,
    options: Sequence[str],
    regions: Path | None,
    map_file: Path | None,
    passphrase_file: Path | None,
    ask: bool,
    allow_burned_in: bool,
    allow_video: bool,
    withhold_undeclared: bool,
) -> None:
    """De-identify with a progress bar and a short table; exit code 1 where a file was withheld."""
    console = Console(highlight=False, soft_wrap=True)
    if map_file is None and (passphrase_file or ask):
        raise InputError("a passphrase is for a map; name one with --map FILE")
    passphrase = ask_passphrase(passphrase_file, "the map", confirm=True) if passphrase_file or ask else None
    columns = (TextColumn("de-identifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("de-identifying", total=None)
        result = deidentify(
            paths,
            out,
            key=key,
            options=options,
            regions=regions or (),
            map=map_file,
            passphrase=passphrase,
            allow_burned_in=allow_burned_in,
            allow_video=allow_video,
            withhold_undeclared=withhold_undeclared,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _print(console, result, out)
    if result.withheld:
        raise OverreadError(f"{len(result.withheld)} files were withheld; see above and {out / REPORT}")


def reveal_command(map_file: Path, find: str | None, passphrase_file: Path | None) -> None:
    """Print the entries of a map, or those that belong to one value; exit code 1 where there is none."""
    encrypted = is_encrypted(map_file)
    found = read_map(
        map_file,
        passphrase=ask_passphrase(passphrase_file, "the map") if passphrase_file or encrypted else None,
    )
    rows = found.rows() if find is None else found.find(find)
    if not rows:
        raise OverreadError(f"{map_file}: holds nothing for {find!r}" if find else f"{map_file}: is empty")
    for kind, original, new in rows:
        # Values of a file: escape codes would reach the terminal, tabs and line breaks would move the columns.
        print("\t".join(" ".join(printable(text).split()) for text in (kind, original, new)))


def _print(console: Console, result: Result, out: Path) -> None:
    for _, message in result.withheld:
        console.print(printable(message), markup=False)
    actions: Counter[str] = Counter()
    attributes: Counter[str] = Counter()
    for (_, _, action), count in result.changes.items():
        actions[action] += count
        attributes[action] += 1
    table = Table("action", "attributes", "times", box=None, pad_edge=False)
    for action, count in sorted(actions.items()):
        table.add_row(action, str(attributes[action]), str(count))
    console.print(table)
    for kind, counts in sorted(result.undeclared.items()):
        unseen = f", {counts[UNSEEN]} could not be looked at" if counts[UNSEEN] else ""
        console.print(
            f"{kind}: {counts[FILES]} written that do not declare whether text is burned in; text was found in "
            f"{counts[FOUND]} (by {finder()}){unseen}",
            markup=False,
        )
    if result.undeclared:
        console.print(
            "Look at these images. --regions FILE blanks text, --withhold-undeclared withholds such files.",
            markup=False,
        )
    again = f", {result.repeated} there already" if result.repeated else ""
    console.print(
        f"{result.written} files written to {out}{again}, {len(result.withheld)} withheld, "
        f"{result.others} not DICOM; report in {out / REPORT}",
        markup=False,
    )
