"""The command line: every command names its options and calls one function. No logic here."""

from __future__ import annotations

import os
import sys

# In the order in which the help lists their commands.
from overread.cli import workshop, bridge, clinic, data, quality, people  # isort: skip
from overread.cli.app import app
from overread.errors import OverreadError, StoppedError, printable

INTERRUPTED = 130
"""Exit code of a command that was stopped with Ctrl+C: 128 and the signal's number, as shells have it."""

__all__ = ["app", "bridge", "clinic", "data", "main", "people", "quality", "workshop"]


def main() -> None:
    """Entry point: one clear line for what a person can mend, exit code 2 for bad input."""
    # As in overread.learn, for the commands that load torch before it.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        app()
    except OverreadError as error:
        kind = "" if isinstance(error, StoppedError) else "error: "
        print(f"{kind}{printable(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        # What typer makes of a KeyboardInterrupt, without a word.
        if ended.code == INTERRUPTED:
            print("stopped: every file that was written is whole", file=sys.stderr)
        raise
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "monai", "lightning_fabric", "onnx"):
            raise
        print(
            f"error: this command trains or opens a trained network and needs {error.name}; "
            "install overread with its extra: pip install '.[train]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except OSError as error:
        # A full disk, a missing right, a file where a folder should be: nothing a traceback would explain better.
        text = f"{error.filename or 'system'}: {error.strerror or error}"
        print(f"error: {printable(text)}", file=sys.stderr)
        sys.exit(1)
