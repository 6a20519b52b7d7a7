"""What a run does, step by step; each step may be done twice and ends the same."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

import numpy as np
from highdicom.sr.coding import Code
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.clinic.assemble import UnusableError, assemble, list_series
from overread.clinic.config import ClinicConfig, Route
from overread.clinic.deliver import Offered, offer
from overread.clinic.kept import KeptResult
from overread.clinic.results.codes import LabelCodes
from overread.clinic.results.failure import Failure
from overread.clinic.results.picture import draw
from overread.clinic.results.seg import make_seg
from overread.clinic.results.source import Run, read_headers
from overread.clinic.results.sr import make_sr
from overread.clinic.run_folder import PICTURE, SEG, SR, RunFacts, RunFolder
from overread.clinic.shown import shown
from overread.clinic.spool import Spool
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.errors import InputError, OverreadError
from overread.files import atomic_path, sha256_file
from overread.imaging.dicom.patients import PATIENT_DIFFERS
from overread.imaging.image import Image
from overread.ledger.ledger import Ledger
from overread.runtime.answer import Classes, Findings, LabelMap, Objects
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction

Predict = Callable[[Package, Image], Prediction]
ACTOR = "overread"
log = logging.getLogger(__name__)


@dataclass
class Made:
    """The result objects of a run by file name, and a sentence for each that could not be made."""

    datasets: dict[str, Dataset] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunSteps:
    """The steps of every run and all that they need. ``packages`` are by their hash."""

    config: ClinicConfig
    packages: dict[str, Package]
    spool: Spool
    state: State
    ledger: Ledger
    predict: Predict

    @property
    def results(self) -> Path:
        """Where runs keep their files."""
        return self.config.folder / "results"

    def folder(self, key: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.results, key)

    def note(self, kind: str, **payload: Any) -> None:
        """One event in the chain of evidence: UIDs, hashes and counts, never a name."""
        self.ledger.append(kind, payload, actor=ACTOR)

    def answer(self, key: str) -> bool:
        """Step 1: read the study, ask the package, keep the result. False where the run cannot go on.

        Raises OSError and MemoryError, which say nothing about the study: the step is to be tried again.
        """
        folder = self.folder(key)
        if folder.result() is not None:
            return True
        facts = folder.facts()
        package = self.packages.get(facts.package_sha256)
        if package is None:
            text = f"package {facts.package_name} {facts.package_version} is no longer in the configuration"
            self.give_up(key, text, again=True)
            return False
        self.state.set_run(key, StudyState.RUNNING, error="", again=0)
        files = [self.spool.path(facts.study_uid, sop) for sop in facts.sops]
        picture: bytes | None = None
        used: Sequence[Path] = files
        first: Sequence[Path] = ()
        content: Prediction | Failure
        try:
            assembled = assemble(package.manifest, list_series(files))
            used, first = assembled.files, assembled.first
            prediction = self.predict(package, assembled.image)
            picture = draw(assembled.image, prediction.answer, virtual=facts.virtual)
            content = prediction
        except UnusableError as error:
            content = Failure(error.code, self._public(error))
        except InputError as error:
            content = Failure("INPUT", self._public(error))
        except MemoryError as error:
            if not never_fits(error):
                raise
            content = Failure(
                "TOO_LARGE", f"the study needs more memory than this machine has: {self._public(error)}"
            )
        except OSError:
            raise
        except Exception as error:
            # Whatever a strange image makes a library do ends this run, is shown, and is told to the PACS.
            log.exception("run %s: unexpected error", key)
            content = Failure("INTERNAL_ERROR", self._public(error))
        folder.write_result(KeptResult(content, _names(used), _names(first)), picture)
        if isinstance(content, Prediction):
            self.note("clinic.predicted", run=key, study=facts.study_uid, outcome=content.outcome.value)
        else:
            self.note("clinic.failed", run=key, study=facts.study_uid, code=content.code)
        return True

    def write(self, key: str) -> bool:
        """Step 2: make SEG and SR. False where the images allow neither."""
        folder = self.folder(key)
        facts, result = folder.facts(), folder.result()
        package = self.packages.get(facts.package_sha256)
        if package is None:
            self.give_up(key, f"package {facts.package_name} is no longer in the configuration", again=True)
            return False
        if result is None:
            # Kept by a version that wrote it otherwise, or damaged since: the study is answered once more.
            self.answer(key)
            result = folder.result()
            assert result is not None
        content = result.content
        if isinstance(content, Failure) and content.code == PATIENT_DIFFERS:
            # A report is about one patient, and refers to the images: any would tell one of the other.
            # `answer` has noted it.
            self.state.set_run(key, StudyState.FAILED, error=content.text)
            log.error("run %s: %s", key, content.text)
            return False
        made = self._objects(facts, result, package)
        for name, dataset in made.datasets.items():
            save(dataset, folder.folder / name)
        failed = "; ".join((*([content.text] if isinstance(content, Failure) else []), *made.faults))
        if not made.datasets:
            self.give_up(key, failed)
            return False
        if made.faults:
            self.note("clinic.failed", run=key, study=facts.study_uid, code="OBJECT_MISSING")
        names = [p.name for p in folder.objects()] + ([PICTURE] if (folder.folder / PICTURE).exists() else [])
        prediction = shown(content) if isinstance(content, Prediction) else {}
        state = StudyState.FAILED if failed else StudyState.DELIVERING
        self.state.set_run(key, state, prediction=prediction, files=names, error=failed)
        return True

    def _objects(self, facts: RunFacts, result: KeptResult, package: Package) -> Made:
        """SEG, where voxels were labelled, and SR; a fault of one never costs the other."""
        made = Made()
        run = Run(facts.key, facts.time, self.config.content_qualification, self.config.serial_number)
        codes = self._codes(facts.route)
        files = {sop: self.spool.path(facts.study_uid, sop) for sop in result.used}
        headers: dict[str, Dataset] = {}
        with self._fault(made, "result object"):
            headers = dict(zip(files, read_headers(list(files.values())), strict=True))
        if not headers:
            return made
        mask, first = mask_of(result.content), result.first
        if mask is not None and mask.any():
            with self._fault(made, "SEG"):
                kept, known = [files[s] for s in first], [headers[s] for s in first]
                made.datasets[SEG] = make_seg(mask, package, kept, known, run, codes)
        with self._fault(made, "SR"):
            made.datasets[SR] = make_sr(
                result.content,
                package,
                list(files.values()),
                list(headers.values()),
                run,
                first=len(first) or None,
                seg=made.datasets.get(SEG),
                label_codes=codes,
                remarks=made.faults,
            )
        return made

    @contextmanager
    def _fault(self, made: Made, what: str) -> Iterator[None]:
        """Keep what goes wrong with one object; a full disk or lack of memory says nothing about it and passes."""
        try:
            yield
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if not isinstance(error, OverreadError):
                log.exception("no %s could be made", what)
            made.faults.append(f"no {what}: {self._public(error)}")

    def deliver(self, key: str, name: str, attempt: int) -> float | None:
        """Step 3, for each destination: offer the objects. Seconds to the next attempt, or None."""
        destination = next((d for d in self.config.destinations if d.name == name), None)
        assert not destination or destination.kind == "dicom"
        if destination is None:
            self.state.set_delivery(key, name, DeliveryState.REFUSED, error="no longer in the configuration")
            self.settle(key)
            return None
        known = self.state.delivery(key, name)
        if known.state is DeliveryState.DELIVERED:
            self.settle(key)
            return None
        objects = self.folder(key).objects()
        ended: Offered = offer(
            objects, destination, self.config.aet, self.config.delivery, attempt, known.refusals
        )
        refusals = known.refusals + int(ended.refused)
        values = {"attempts": attempt, "refusals": refusals, "error": self._public(ended.error)}
        if ended.error and ended.error != known.error:
            log.warning("run %s: not delivered to %s yet: %s", key, name, ended.error)
        # Evidence first: after a crash in between an event may be there twice, but is never missing.
        if ended.state is DeliveryState.DELIVERED:
            hashes = {p.name: sha256_file(p) for p in objects}
            self.note("clinic.delivered", run=key, destination=name, objects=hashes)
        elif ended.state is DeliveryState.REFUSED:
            self.note("clinic.refused", run=key, destination=name)
            log.error("run %s: %s refused the results: %s", key, name, ended.error)
        self.state.set_delivery(key, name, ended.state, **values)
        self.settle(key)
        return ended.wait

    def give_up(self, key: str, text: str, again: bool = False) -> None:
        """The run ends without a result object; ``again``: the next start of the node tries once more."""
        run = self.state.run(key)
        self.state.set_run(key, StudyState.FAILED, error=text, again=int(again))
        self.note("clinic.failed", run=key, study=run.study_uid if run else "", code="NO_RESULT")
        log.error("run %s: %s", key, text)

    def settle(self, key: str) -> None:
        """The run's state from those of its deliveries."""
        run = self.state.run(key)
        if run is None or (run.state is StudyState.FAILED and not run.error.startswith(REFUSED)):
            return
        states = {d.state for d in run.deliveries}
        refused = [f"{d.destination}: {d.error}" for d in run.deliveries if d.state is DeliveryState.REFUSED]
        if DeliveryState.WAITING in states or not states:
            self.state.set_run(key, StudyState.DELIVERING, error="")
        elif refused:
            self.state.set_run(key, StudyState.FAILED, error=f"{REFUSED} {'; '.join(refused)}")
        else:
            self.state.set_run(key, StudyState.DELIVERED, error="")

    def _codes(self, route_name: str) -> LabelCodes:
        route: Route | None = next((r for r in self.config.routes if r.name == route_name), None)
        codes = route.codes if route else {}
        return {label: (Code(*c.category), Code(*c.type)) for label, c in codes.items()}

    def _public(self, error: Exception | str) -> str:
        """An error's text on one line without the folders of this machine."""
        text = " ".join(str(error).split())
        if not text and isinstance(error, Exception):
            text = type(error).__name__
        return text.replace(f"{self.spool.folder}/", "").replace(f"{self.results}/", "")


REFUSED = "the results were refused by"


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


def mask_of(content: Prediction | Failure) -> NDArray[np.uint8] | None:
    """The labels of voxels that are written as a SEG; None for an answer of another kind."""
    answer = content.answer if isinstance(content, Prediction) else None
    match answer:
        case LabelMap():
            return answer.mask
        case Classes() | Findings() | Objects() | None:
            return None
        case _:
            assert_never(answer)


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(p.stem for p in files)
