"""Write a page for every public module, from its docstrings, below build/docs (`make docs`)."""

from __future__ import annotations

import pkgutil
import warnings
from importlib import import_module
from pathlib import Path

import pdoc

import overread

OUT = Path(__file__).parents[2] / "build" / "docs"


def modules() -> list[str]:
    """Names of all modules without a leading underscore in their path."""
    found = pkgutil.walk_packages(overread.__path__, "overread.")
    return ["overread", *(m.name for m in found if not any(p.startswith("_") for p in m.name.split(".")))]


def main() -> None:
    """Load everything, so that names which are imported on first use are there, and write the pages."""
    names = modules()
    for name in names:
        module = import_module(name)
        for exported in getattr(module, "__all__", ()):
            setattr(module, exported, getattr(module, exported))
    pdoc.render.configure(docformat="numpy", show_source=False)
    # Type hints that cannot be evaluated alone (PEP 563) are shown as they are written.
    warnings.simplefilter("ignore", UserWarning)
    pdoc.pdoc(*names, output_directory=OUT)
    print(f"{len(names)} modules: {OUT / 'index.html'}")


if __name__ == "__main__":
    main()
