"""qualify-engine: which engine answers for a package on this machine."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from overread.pipeline.workspace import console
from overread.runtime.backends import REFERENCE
from overread.runtime.engine import use_threads
from overread.runtime.engine_choice import place
from overread.runtime.package import Package
from overread.runtime.processor import processor
from overread.runtime.qualify import AGREES, qualify


def qualify_command(package: Path, *, threads: int = 0) -> None:
    """Print every engine's time and difference, and which one answers from now on.

    Raises InputError as `Package.load`.
    """
    loaded = Package.load(package)
    use_threads(threads)
    name, flags = processor()
    console.print(
        f"{loaded.manifest.name} {loaded.manifest.version} on {name} ({' '.join(flags)}), float32",
        highlight=False,
    )
    tried = qualify(loaded)
    reference = next(t for t in tried if t.engine == REFERENCE)
    table = Table(
        "engine", "ms, one input (median)", "times as fast", f"largest difference (at most {AGREES:g})", ""
    )
    for one in tried:
        ms, ratio = "", ""
        if one.milliseconds is not None and reference.milliseconds is not None:
            ms, ratio = f"{one.milliseconds:.1f}", f"{reference.milliseconds / one.milliseconds:.2f}"
        apart = "" if one.difference is None else f"{one.difference:.1g}"
        table.add_row(f"{one.engine} {one.version}", ms, ratio, apart, one.refused)
    console.print(table)
    console.print(f"{tried[0].engine} answers from now on; remembered in {place()}", highlight=False)
    if len(tried) == 1:
        console.print("pip install 'overread[openvino]' adds another engine", highlight=False)
