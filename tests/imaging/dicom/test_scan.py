"""The quick header reader against pydicom: the same elements and pixels, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset, Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
)

from overread.imaging.dicom.scan import KEPT, scan
from overread.imaging.dicom.series import read_datasets, read_series

Make = Callable[..., FileDataset]
Save = Callable[..., Path]
FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
PLAIN = [
    p
    for p in sorted(p for p in FOLDER.rglob("*") if p.is_file())
    if p.name in ("CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_padded.dcm")
    or p.parent.name == "MR2"
]


def assert_same(path: Path) -> None:
    found = scan(path)
    assert found is not None
    dataset, place = found
    theirs = pydicom.dcmread(path)
    kept = [e for e in theirs if int(e.tag) in KEPT]
    assert len(kept) >= 15
    for element in kept:
        assert dataset[element.tag].value == element.value, element
    assert all(element.tag in theirs for element in dataset)
    with path.open("rb") as f:
        f.seek(place.offset)
        assert f.read(place.length) == theirs.PixelData


@pytest.mark.parametrize("path", PLAIN, ids=lambda p: p.name)
def test_real_slices(path: Path) -> None:
    assert_same(path)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("long_header", [False, True])
def test_sequences_private_and_long_headers(
    make_slice: Make, tmp_path: Path, syntax, undefined: bool, long_header: bool
) -> None:
    ds = make_slice()
    inner, outer = Dataset(), Dataset()
    inner.CodeValue = "1"
    inner.add_new(0x00091001, "OB" if syntax == ExplicitVRLittleEndian else "LO", b"12")
    outer.PurposeOfReferenceCodeSequence = Sequence([inner, inner])
    ds.ReferencedImageSequence = Sequence([outer, Dataset()])
    for sequence in (ds["ReferencedImageSequence"], outer["PurposeOfReferenceCodeSequence"]):
        sequence.is_undefined_length = undefined
        for item in sequence.value:
            item.is_undefined_length_sequence_item = undefined
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", bytes(100_000 if long_header else 10))
    ds.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "a.dcm"
    pydicom.dcmwrite(
        path, ds, implicit_vr=syntax.is_implicit_VR, little_endian=True, enforce_file_format=True
    )
    assert_same(path)


def test_what_is_unusual_is_left_to_pydicom(make_slice: Make, tmp_path: Path) -> None:
    def left(ds: FileDataset) -> bool:
        path = tmp_path / "a.dcm"
        ds.save_as(path, enforce_file_format=True)
        return scan(path) is None

    assert not left(make_slice())
    compressed = make_slice()
    compressed.compress(RLELossless)
    assert left(compressed)
    lut = Dataset()
    lut.LUTExplanation = "x"
    assert left(make_slice(ModalityLUTSequence=Sequence([lut])))
    other = make_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert left(other)
    assert scan(FOLDER / "MR_small_bigendian.dcm") is None
    assert scan(FOLDER / "JPEG2000.dcm") is None
    assert scan(FOLDER / "README.txt") is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([np.uint8, np.int16, np.uint16]),
    st.integers(2, 5),
    st.sampled_from([(1.0, 0.0), (1.0, -1024.0), (2.0, 5.0), (0.5, -3.25)]),
    st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    st.sampled_from([CTImageStorage, MRImageStorage]),
)
def test_files_read_as_data_sets_do(
    make_slice: Make, tmp_path_factory: pytest.TempPathFactory, dtype, count, rescale, photometric, sop_class
) -> None:
    rng = np.random.default_rng(count)
    info = np.iinfo(dtype)
    made = [
        make_slice(
            k,
            rng.integers(info.min, info.max, (6, 4), endpoint=True).astype(dtype),
            SOPClassUID=sop_class,
            PhotometricInterpretation=photometric,
            RescaleSlope=rescale[0],
            RescaleIntercept=rescale[1],
        )
        for k in range(count)
    ]
    folder = tmp_path_factory.mktemp("series")
    for k, ds in enumerate(made):
        ds.file_meta.MediaStorageSOPClassUID = sop_class
        ds.save_as(folder / f"{k}.dcm", enforce_file_format=True)
        assert k == 0 or scan(folder / f"{k}.dcm") is not None
    ours, theirs = read_series(folder), read_datasets(made)
    np.testing.assert_array_equal(ours.array, theirs.array)
    np.testing.assert_array_equal(ours.affine, theirs.affine)
    assert (ours.array.dtype, ours.notes, ours.modality) == (
        theirs.array.dtype,
        theirs.notes,
        theirs.modality,
    )


def test_a_file_cut_in_its_pixels_is_named(make_slice: Make, save_series: Save) -> None:
    from overread.errors import InputError

    folder = save_series([make_slice(k) for k in range(4)])
    path = folder / "002.dcm"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=r"002\.dcm: pixel data is truncated: 53 of 60 bytes"):
        read_series(folder)
