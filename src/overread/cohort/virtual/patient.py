"""One virtual patient, from seed to files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.virtual.anatomy import SHAPE, SPACING, Template, anatomy
from overread.cohort.virtual.dicom import SEQUENCES, Identity, series_affine, write_series
from overread.cohort.virtual.lesions import grow_lesions, lesion_load
from overread.cohort.virtual.scanner import SCANNERS, SITES, STANDS, render

AGES = (20, 90)


def make_patient(template: Template, folder: Path, number: int, seed: int, split: str) -> Case:
    """Make patient ``number`` and write NIfTI, mask and DICOM below ``folder``.

    The random numbers come from ``SeedSequence((seed, number))`` alone, so that a patient is the same
    whichever process makes it and however many others there are.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, number)))
    age = int(rng.integers(AGES[0], AGES[1] + 1))
    sex = "FM"[int(rng.integers(2))]
    site = SITES[int(rng.integers(len(SITES)))]
    scanner = SCANNERS[int(rng.choice(STANDS[site]))]
    who = Identity(number, seed, age, sex, site, scanner)
    patient = anatomy(template, rng, age, sex)
    lesions = grow_lesions(rng, patient, lesion_load(rng, age))
    images = render(rng, patient, lesions, scanner, age)
    orientation, origin = _position(rng)
    affine = series_affine(orientation, origin, SPACING)
    files = {name: folder / "images" / f"{who.case}_{name}.nii.gz" for name in images}
    mask = folder / "masks" / f"{who.case}.nii.gz"
    for name, path in files.items():
        write_nifti(path, images[name], affine)
        write_series(
            folder / "dicom" / who.case / name, name, images[name], orientation, origin, SPACING, who
        )
    write_nifti(mask, lesions.mask, affine)
    facts = {
        "age": str(age),
        "sex": sex,
        "site": site,
        "scanner": scanner.name,
        "lesions": str(lesions.count),
        "lesion_ml": f"{lesions.volume_ml:.3f}",
    }
    return Case(who.case, who.case, {n: files[n] for n in SEQUENCES}, None, mask, split, facts)


def _position(rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """ImageOrientationPatient of a slightly tilted head and the first ImagePositionPatient (LPS mm).

    Rounded as DICOM's decimal strings will be, so that NIfTI and DICOM lie at the same place.
    """
    nod, turn = np.deg2rad(rng.normal(0, [6.0, 2.0]))
    row = np.array([np.cos(turn), np.sin(turn), 0.0])
    column = np.array([-np.sin(turn) * np.cos(nod), np.cos(turn) * np.cos(nod), np.sin(nod)])
    orientation = np.concatenate([row, column]).round(8)
    axes = np.stack([row, column, np.cross(row, column)], axis=1) * np.asarray(SPACING)
    centre = rng.normal(0, [4.0, 6.0, 8.0])
    origin = (centre - axes @ ((np.asarray(SHAPE) - 1) / 2)).round(3)
    return [float(v) for v in orientation], [float(v) for v in origin]


def write_nifti(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write ``array`` in its own type with ``affine`` (RAS+ mm); the same input gives the same bytes."""
    image = nib.Nifti1Image(array, affine)
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"virtual patient"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), 1, mtime=0))
