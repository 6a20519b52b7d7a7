"""NumPy archives: documented keys, nothing pickled, nothing larger than the file can hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.read import read

RANDOM = np.random.default_rng(0)
VOLUME = RANDOM.integers(0, 99, (4, 5, 6)).astype(np.int16)
AFFINE = np.array([[0.0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 1.5, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_volume_with_affine(tmp_path: Path, save) -> None:
    save(tmp_path / "a.npz", array=VOLUME, affine=AFFINE, spacing=[3, 2, 1.5], modality="MR")
    image = read(tmp_path / "a.npz")
    np.testing.assert_array_equal(image.array, VOLUME[None])
    np.testing.assert_array_equal(image.affine, AFFINE)
    assert (image.modality, image.array.dtype, image.notes) == ("MR", np.int16, ())


def test_channels_and_flat_images(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", array=VOLUME.astype(np.float64), channels=["a", "b", "c", "d"], spacing=[2, 3]
    )
    image = read(tmp_path / "a.npz")
    assert image.spatial == (5, 6) and image.channels == ("a", "b", "c", "d") and image.spacing == (2.0, 3.0)
    assert image.array.dtype == np.float32
    np.savez(tmp_path / "b.npz", array=VOLUME[0] > 50)
    image = read(tmp_path / "b.npz")
    assert image.spatial == (5, 6) and image.source["spacing_known"] is False
    np.testing.assert_array_equal(image.array[0], VOLUME[0] > 50)
    np.savez(tmp_path / "c.npz", array=np.stack([VOLUME, VOLUME]))
    assert read(tmp_path / "c.npz").array.shape == (2, 4, 5, 6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"affine": AFFINE}, "has no 'array'"),
        ({"array": VOLUME, "train_images": VOLUME}, "train_images"),
        ({"array": np.array([{}], dtype=object)}, "NumPy archive"),
        ({"array": VOLUME.astype(complex)}, "complex128"),
        ({"array": VOLUME[0, 0]}, "has shape"),
        ({"array": VOLUME, "channels": ["x"]}, "1 channels are named"),
        ({"array": VOLUME, "affine": np.eye(3)}, "'affine' is"),
        ({"array": VOLUME, "affine": np.zeros((4, 4))}, "'affine' is"),
        ({"array": VOLUME, "affine": AFFINE, "spacing": [1, 1, 1]}, "'spacing' is"),
        ({"array": VOLUME, "spacing": [1, 0, 1]}, "above 0"),
    ],
)
def test_refusals(tmp_path: Path, content, message: str) -> None:
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.npz")


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", VOLUME)
    content = (tmp_path / "small.npy").read_bytes().replace(b"(4, 5, 6)", b"(40000, 50000, 6000)", 1)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("array.npy", content)
    with pytest.raises(InputError, match=r"a\.npz"):
        read(tmp_path / "a.npz")
