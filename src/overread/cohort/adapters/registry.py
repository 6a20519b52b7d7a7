"""The imports of published layouts by name: `overread import NAME FOLDER --out DIR`.

An adapter is a module beside this one, named as the import with ``_`` for ``-``, with one function
``import_<module>(folder, out, **options)``. Modules are loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class Adapter:
    """``help`` says in one line what is taken over; ``options`` maps option name to help, each one text."""

    help: str
    options: Mapping[str, str] = field(default_factory=dict)


ADAPTERS: Mapping[str, Adapter] = {
    "coco": Adapter(
        "From boxes in COCO's format (instances_*.json), keeping its parts.",
        {"task": "detection (the default) or segmentation, which makes label maps of the outlines."},
    ),
    "msd": Adapter("From one task of the Medical Segmentation Decathlon."),
    "nnunet": Adapter("From nnU-Net's raw data, version 2, keeping its test part."),
    "voc": Adapter("From boxes in the layout of Pascal VOC, keeping its parts."),
}


def run(name: str, folder: Path, out: Path, **options: str | None) -> None:
    """Import ``folder`` as the data set or layout ``name`` into ``out``; see the adapter for what it raises."""
    module = name.replace("-", "_")
    make = getattr(import_module(f"overread.cohort.adapters.{module}"), f"import_{module}")
    make(Path(folder), Path(out), **options)
