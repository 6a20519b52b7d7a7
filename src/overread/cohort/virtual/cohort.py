"""The virtual cohort: patients with brain MR and white-matter lesions of known extent, made from a seed."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from rich.progress import track

from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.splits.parts import FRACTIONS, SPLITS
from overread.cohort.virtual.anatomy import Template, load_template
from overread.cohort.virtual.dicom import SEQUENCES
from overread.cohort.virtual.patient import AGES, make_patient
from overread.errors import InputError

README = """virtual patients

Everything in this folder is computed: brain MR (T1 and FLAIR) of patients who do not exist, with white-matter
lesions whose extent is known because they were drawn. Anatomy comes from the ICBM 152 atlas, deformed at
random.
{patients} virtual patients, seed {seed}.

images/   NIfTI, one per patient and contrast
masks/    NIfTI, 1 = white-matter lesion
dicom/    the same images as DICOM MR series
cohort.csv  one row per patient: age in years, sex, site, scanner, number and volume (ml) of lesions

A model that does well here has shown that the road works, not that it can read real patients.
"""

_template: Template | None = None


def make_virtual_cohort(
    out: Path, *, patients: int = 100, seed: int = 0, workers: int | None = None
) -> Cohort:
    """Make ``patients`` virtual patients in the folder ``out``.

    Parameters
    ----------
    patients
        How many, 3 to 999; split by patient 70/10/20 into train, val and test.
    seed
        Non-negative. The same seed gives byte-identical images, whatever ``workers`` is.
    workers
        Processes; by default one per usable core.

    Raises
    ------
    InputError
        The template is not installed, a number is out of range, or ``out`` holds something else.
    """
    if not 3 <= patients <= 999:
        raise InputError(f"patients: found {patients}, expected 3 to 999")
    if seed < 0:
        raise InputError(f"seed: found {seed}, expected 0 or more")
    workers = max(1, min(patients, workers or _cores()))
    with building(out, _task(patients, seed)) as folder:
        splits = exact_splits(patients, seed)
        template = load_template()
        made = _made(template, folder, seed, splits, workers)
        cases = list(track(made, "Making virtual patients", total=patients))
        Cohort(folder, tuple(sorted(cases, key=lambda c: c.case))).write()
        (folder / "README.txt").write_text(README.format(patients=patients, seed=seed), encoding="utf-8")
    return Cohort.read(out, need="mask")


def _cores() -> int:
    """Cores this process may use; not every system can tell, then all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def exact_splits(patients: int, seed: int) -> list[str]:
    """The split of each patient: a random order cut at the nominal shares, at least one patient in each."""
    few = {name: max(1, round(patients * FRACTIONS[name])) for name in SPLITS[1:]}
    names = [SPLITS[0]] * (patients - sum(few.values())) + [
        n for n, count in few.items() for _ in range(count)
    ]
    order = np.random.default_rng(np.random.SeedSequence((seed, patients, 1))).permutation(patients)
    return [names[i] for i in order]


def _made(template: Template, folder: Path, seed: int, splits: list[str], workers: int) -> Iterator[Case]:
    """Make the patients, here or in ``workers`` processes; they come in any order."""
    if workers == 1:
        for number, split in enumerate(splits):
            yield make_patient(template, folder, number, seed, split)
        return
    with tempfile.TemporaryDirectory(prefix=".template.", dir=folder.parent) as shared:
        maps = Path(shared) / "maps.npy"
        np.save(maps, template.maps)
        with ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=_share,
            initargs=(maps, template.origin),
        ) as pool:
            jobs = [
                pool.submit(_make_shared, folder, number, seed, split) for number, split in enumerate(splits)
            ]
            try:
                for job in as_completed(jobs):
                    yield job.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _share(maps: Path, origin: tuple[float, float, float]) -> None:
    global _template
    _template = Template(np.load(maps), origin)


def _make_shared(folder: Path, number: int, seed: int, split: str) -> Case:
    assert _template is not None
    return make_patient(_template, folder, number, seed, split)


def _task(patients: int, seed: int) -> dict[str, object]:
    return {
        "task": "segmentation",
        "dimensions": 3,
        "labels": ["background", "lesion"],
        "positive": "lesion",
        "counted_labels": ["lesion"],
        "modality": ["MR"],
        "channels": {name: {"match": {"SeriesDescription": f"^{name}$"}} for name in SEQUENCES},
        "limits": {"age_years": list(AGES), "body_part": ["HEAD"]},
        "intended_use": "Demonstration on virtual patients: outline white-matter lesions on T1 and FLAIR.",
        "source": {
            "name": "virtual patients",
            "licence": "Apache-2.0; computed from the ICBM 152 2009a template (nilearn, BSD-3-Clause)",
            "note": "virtual patients: computed images with drawn white-matter lesions; nobody real is shown",
            "virtual": True,
            "import": {"name": "virtual", "patients": patients, "seed": seed},
        },
    }
