"""Identifiers planted in every kind of real file: none is in the bytes of the result."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from overread.deidentify import Key
from overread.deidentify.allowed import Allowed
from overread.deidentify.dataset import process
from overread.deidentify.finished import encode
from overread.deidentify.options import choose
from overread.deidentify.private import NUMERIC

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MOST = (
    *("clean-descriptors", "clean-structured-content", "clean-graphics", "retain-safe-private"),
    *("retain-patient-characteristics", "retain-device-identity"),
)


def finished(data: bytes, key: Key, *options: str) -> bytes:
    return encode(process(dcmread(BytesIO(data)), key, choose(options), (), Allowed(), "file"), "file")


@pytest.mark.parametrize(
    "options", [(), MOST, ("remove-dates",)], ids=["default", "most options", "no dates"]
)
def test_no_planted_identifier_remains(
    real: bytes,
    key: Key,
    options: tuple[str, ...],
    planted: Callable[[Dataset], Dataset],
    found: Callable[[bytes], list[str]],
) -> None:
    dataset = planted(dcmread(BytesIO(real)))
    buffer = BytesIO()
    dcmwrite(buffer, dataset)
    # All of them are there before, or the test would show nothing.
    assert len(found(buffer.getvalue())) == 16
    result = finished(buffer.getvalue(), key, *options)
    assert found(result) == []
    assert result[:128] == bytes(128)
    again = dcmread(BytesIO(result))
    assert again.PatientIdentityRemoved == "YES"
    assert again.PatientID == again.PatientName == key.pseudonym("PLNT-8842917")
    private = {e.VR for e in again if e.tag.is_private and e.tag.element >= 0x1000}
    assert private <= (NUMERIC if "retain-safe-private" in options else set())
    assert not any(e.tag.group == 0x6000 for e in again)
    before, after = dcmread(BytesIO(real)).get("PixelData", b""), again.get("PixelData", b"")
    # Uncompressed pixels of an odd number of bytes get the pad byte that PS3.5 asks for.
    if again.file_meta.TransferSyntaxUID.is_encapsulated:
        # Comments go, the samples stay.
        assert (again.pixel_array == dcmread(BytesIO(real)).pixel_array).all()
    else:
        assert after[: len(before)] == before and len(after) == len(before) + len(before) % 2


def test_implicit_encoding_hides_nothing(
    key: Key,
    small: Callable[..., Dataset],
    planted: Callable[[Dataset], Dataset],
    found: Callable[[bytes], list[str]],
) -> None:
    dataset = planted(small())
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=True, little_endian=True)
    result = finished(buffer.getvalue(), key)
    assert found(result) == []
    assert dcmread(BytesIO(result)).file_meta.TransferSyntaxUID == ImplicitVRLittleEndian


def faults(data: bytes, folder: Path, name: str) -> Counter[str]:
    """The errors that dciodvfy reports, without the values that it quotes."""
    path = folder / name
    path.write_bytes(data)
    done = subprocess.run(
        ["dciodvfy", "-new", path], capture_output=True, text=True, errors="replace", timeout=60
    )
    assert done.returncode in (0, 1)
    lines = (done.stdout + done.stderr).splitlines()
    return Counter(line.split(" = <")[0] for line in lines if line.startswith("Error"))


@pytest.mark.parametrize(
    "options", [(), ("clean-descriptors", "clean-structured-content")], ids=["default", "clean"]
)
def test_no_more_errors_than_the_source(
    real: bytes, key: Key, tmp_path: Path, options: tuple[str, ...], dciodvfy: None
) -> None:
    before = faults(real, tmp_path, "before.dcm")
    after = faults(finished(real, key, *options), tmp_path, "after.dcm")
    assert after - before == Counter()


@pytest.fixture(scope="module")
def dciodvfy() -> None:
    """The validator of dicom3tools."""
    import os
    import shutil
    import sys

    folder = str(Path(sys.executable).parent)
    if folder not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += os.pathsep + folder
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy of dicom3tools is not installed")
