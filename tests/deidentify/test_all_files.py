"""Every test file of pydicom and pydicom-data: de-identified, or withheld for a reason; no other exception."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from overread.deidentify import Key, deidentify

WITHHELD = {
    "no SOP Class UID or SOP Instance UID",
    # Of PixelData without Rows: no reader shows them.
    "pixel data whose size the header does not tell",
    "another file with the same SOP Instance UID and other content",
}


def test_every_file(tmp_path: Path, key: Key) -> None:
    folders = [Path(pydicom.__file__).parent / "data"]
    data_store = pytest.importorskip("data_store")
    folders.append(Path(data_store.__file__).parent / "data")
    result = deidentify(folders, tmp_path / "out", key=key)
    reasons = [message.split("withheld: ")[-1] for _, message in result.withheld]
    damaged = [m for m in reasons if m not in WITHHELD]
    # no_meta.dcm: no DICM mark, no SOP class, no UID.
    assert len(damaged) == 1 and "no_meta.dcm: not a DICOM file" in damaged[0]
    assert reasons.count("no SOP Class UID or SOP Instance UID") <= 16
    assert result.written > 100
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == result.written
