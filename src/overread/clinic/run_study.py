"""What a run computes: the answer of a package, and the result objects of it. Neither database nor ledger is touched.

Done in a child process; in tests of the steps also in their own. Each step may be done twice and ends the same.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from highdicom.sr.coding import Code
from pydicom import dcmread
from pydicom.dataset import Dataset

from overread.clinic.assemble import Series, UnusableError, assemble, list_series
from overread.clinic.config import ClinicConfig, Route
from overread.clinic.kept import KeptResult
from overread.clinic.priors.kept import read_priors
from overread.clinic.results.codes import LabelCodes
from overread.clinic.results.failure import Failure
from overread.clinic.results.material import Material, Predecessor
from overread.clinic.results.objects import Made, make_objects
from overread.clinic.results.picture import draw
from overread.clinic.results.source import Run, read_headers
from overread.clinic.results.view import try_view
from overread.clinic.results.volume import try_volume
from overread.clinic.run_folder import PICTURE, RunFacts, RunFolder
from overread.clinic.shown import shown
from overread.clinic.urgency import urgent_labels
from overread.clinic.written import Written
from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.dicom.patients import PATIENT_DIFFERS
from overread.imaging.image import Image
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction

Predict = Callable[[Package, Image], Prediction]
OUT_OF_MEMORY = ("bad_alloc", "Failed to allocate memory", "out of memory")
REPORT = "sr.dcm"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bench:
    """Where runs are computed. ``packages`` are by their hash."""

    config: ClinicConfig
    packages: Mapping[str, Package]
    predict: Predict | None = None

    def folder(self, key: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.config.folder / "results", key)

    def answer(self, key: str) -> dict[str, str]:
        """Read the study, ask the package, keep the result; its ``outcome`` or failure ``code``.

        Raises OSError and MemoryError, which say nothing about the study: it is to be tried again.
        """
        folder = self.folder(key)
        facts = folder.facts()
        package = self.packages[facts.package_sha256]
        files = [self.path_of(facts, sop) for sop in facts.sops]
        picture: bytes | None = None
        used: Sequence[Path] = files
        first: Sequence[Path] = ()
        content: Prediction | Failure
        try:
            assembled = assemble(package.manifest, list_series(files), self._priors(folder))
            used, first = assembled.files, assembled.first
            prediction = self._predict(package, assembled.image)
            picture = draw(assembled.image, prediction.answer, virtual=facts.virtual)
            try_view(folder.folder, assembled.image, prediction)
            try_volume(folder.folder, assembled.image, prediction, package.manifest.labels[1:])
            content = replace(prediction, notes=(*prediction.notes, *facts.notes))
        except UnusableError as error:
            content = Failure(error.code, self.public(error))
        except InputError as error:
            content = Failure("INPUT", self.public(error))
        except MemoryError as error:
            if not never_fits(error):
                raise
            text = f"the study needs more memory than this machine has: {self.public(error)}"
            content = Failure("TOO_LARGE", text)
        except OSError:
            raise
        except Exception as error:
            if any(words in str(error) for words in OUT_OF_MEMORY):
                raise MemoryError(self.public(error)) from error
            # Whatever a strange image makes a library do ends this run, is shown, and is told to the PACS.
            log.exception("run %s: unexpected error", key)
            content = Failure("INTERNAL_ERROR", self.public(error))
        folder.write_result(KeptResult(content, _names(used), _names(first)), picture)
        return outcome_of(content)

    def fail(self, key: str, failure: Failure) -> dict[str, str]:
        """Keep a failure as the run's result."""
        facts = self.folder(key).facts()
        self.folder(key).write_result(KeptResult(failure, facts.sops, ()), None)
        return outcome_of(failure)

    def write(self, key: str) -> dict[str, Any]:
        """Make the result objects: `Written` as JSON data."""
        folder = self.folder(key)
        facts, result = folder.facts(), folder.result()
        if result is None:
            # Kept by a version that wrote it otherwise, or damaged since: the study is answered once more.
            self.answer(key)
            result = folder.result()
            assert result is not None
        content = result.content
        failed = content.code if isinstance(content, Failure) else ""
        text = content.text if isinstance(content, Failure) else ""
        if failed == PATIENT_DIFFERS:
            # A report is about one patient, and refers to the images: any would tell one of the other.
            return Written(text=text, failed=failed).plain
        made = self.objects(facts, result, self.packages[facts.package_sha256])
        for name, dataset in made.datasets.items():
            save(dataset, folder.folder / name)
        picture = [PICTURE] if (folder.folder / PICTURE).exists() else []
        names = [p.name for p in folder.objects()] if made.datasets else []
        prediction = shown(content) if isinstance(content, Prediction) else None
        return Written(
            files=tuple(names + picture) if names else (),
            prediction=prediction,
            text="; ".join((*([text] if text else []), *made.faults)),
            faults=tuple(made.faults),
            failed=failed,
            urgent=self._urgent(facts, content),
        ).plain

    def objects(self, facts: RunFacts, result: KeptResult, package: Package) -> Made:
        """Every object that the settings name, each by itself."""
        files = {sop: self.path_of(facts, sop) for sop in result.used}
        try:
            headers = read_headers(list(files.values()))
        except InputError as error:
            return Made(faults=[f"no result object: {self.public(error)}"])
        if not headers:
            return Made()
        material = Material(
            result=result.content,
            package=package,
            files=list(files.values()),
            headers=headers,
            run=Run(facts.key, facts.time, self.config.content_qualification, self.config.serial_number),
            read=lambda: (
                assemble(
                    package.manifest, list_series(list(files.values())), self._priors(self.folder(facts.key))
                ).image
            ),
            first=len(result.first) or None,
            settings=self.config.results,
            label_codes=self._codes(facts.route),
            predecessors=self._predecessors(facts),
        )
        return make_objects(material, self.public)

    def _priors(self, folder: RunFolder) -> list[list[Series]]:
        """The series of each earlier study that was fetched for a run, the latest study first."""
        kept = read_priors(folder.folder)
        return [list_series(files) for files in kept.files(folder.folder) if files] if kept else []

    def _predecessors(self, facts: RunFacts) -> list[Predecessor]:
        """The report of the run before, over fewer images of the same study."""
        path = self.folder(facts.predecessor).folder / REPORT if facts.predecessor else None
        if path is None or not path.exists():
            return []
        report = dcmread(path, stop_before_pixels=True)
        uids = (report.StudyInstanceUID, report.SeriesInstanceUID, report.SOPClassUID, report.SOPInstanceUID)
        return [Predecessor(*map(str, uids))]

    def _urgent(self, facts: RunFacts, content: Prediction | Failure) -> tuple[str, ...]:
        route = self._route(facts.route)
        answer = content.answer if isinstance(content, Prediction) else None
        return urgent_labels(answer, route.urgent) if route else ()

    def _predict(self, package: Package, image: Image) -> Prediction:
        if self.predict is not None:
            return self.predict(package, image)
        from overread.runtime.predict import predict

        return predict(package, image, maps=True)

    def path_of(self, facts: RunFacts, sop: str) -> Path:
        """Where an instance of a run's study lies."""
        return self.config.folder / "spool" / facts.study_uid / f"{sop}.dcm"

    def _route(self, name: str) -> Route | None:
        return next((r for r in self.config.routes if r.name == name), None)

    def _codes(self, route_name: str) -> LabelCodes:
        route = self._route(route_name)
        codes = route.codes if route else {}
        return {label: (Code(*c.category), Code(*c.type)) for label, c in codes.items()}

    def public(self, error: Exception | str) -> str:
        """An error's text on one line without the folders of this machine."""
        text = " ".join(str(error).split())
        if not text and isinstance(error, Exception):
            text = type(error).__name__
        for folder in ("spool", "results"):
            text = text.replace(f"{self.config.folder / folder}/", "")
        for route in self.config.routes:
            text = text.replace(str(route.package), route.package.name)
        return text.replace(f"{self.config.folder}/", "")


def outcome_of(content: Prediction | Failure) -> dict[str, str]:
    """What a run came to, in a word."""
    if isinstance(content, Failure):
        return {"code": content.code}
    return {"outcome": content.outcome.value}


def never_fits(error: MemoryError) -> bool:
    """Whether what was asked for is more than all memory of the machine: then trying again cannot help."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    if shape is None or dtype is None:
        return False
    asked = math.prod(shape) * np.dtype(dtype).itemsize
    return asked > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def save(dataset: Dataset, path: Path) -> None:
    """Write a DICOM file, whole or not at all."""
    with atomic_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(p.stem for p in files)
