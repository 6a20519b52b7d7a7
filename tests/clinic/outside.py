"""Programs of others that judge what the node writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clinic.site import CEILING_SECONDS

OBJECTS = (
    "Comprehensive3DSR",
    "Segmentation",
    "ParametricMap",
    "MultiframeTrueColorSCImage",
    "GrayscaleSoftcopyPresentationState",
    "EncapsulatedPDF",
    "KeyObjectSelectionDocument",
    "MammographyCADSR",
    "ChestCADSR",
)


def program(name: str) -> str:
    """Path of a program on PATH or beside the interpreter; the test skips where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(name: str, *arguments: str | Path, check: bool = True) -> str:
    """Output of a program, both streams."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=CEILING_SECONDS,
    )
    output = done.stdout + done.stderr
    assert not check or done.returncode == 0, f"{name} ended with {done.returncode}: {output}"
    return output


def dicom_errors(path: Path) -> list[str]:
    """What dciodvfy calls an error."""
    output = run("dciodvfy", path, check=False)
    # Its last line names the information object; without it nothing was checked.
    assert "Error" in output or any(name in output for name in OBJECTS), output
    return [line for line in output.splitlines() if line.startswith("Error")]


def entity_faults(*paths: Path) -> list[str]:
    """What dcentvfy says about patients, studies, series and instances of files that belong together."""
    lines = run("dcentvfy", *paths, check=False).splitlines()
    # It reads Accession Number as the series' in a key object selection alone, whatever the files hold.
    return [line for line in lines if line.strip() and "Element=<AccessionNumber> IE <Series>" not in line]
