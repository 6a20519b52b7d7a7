"""Small studies, small packages and small nodes for the clinic's tests."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from overread.clinic.keeping.arriving import Arriving
from overread.clinic.send import parse_peer, send_files
from overread.clinic.spool import Spool, Status, Stored
from overread.clinic.storage import start_storage
from overread.runtime.manifest import (
    Calibration,
    Channel,
    Intensity,
    Limits,
    Manifest,
    OperatingPoint,
    Preprocess,
    Quantity,
    Spread,
)
from overread.runtime.package import Package, write_package

CEILING_SECONDS = 300.0
"""No test measures time: everything is waited for, and only what never comes meets this ceiling."""
QUIET_SECONDS = 3.0
"""Many times longer than a pause within one sending, so that a slow machine does not cut a study in two."""

SHAPE = (12, 10, 6)  # columns, rows, slices
CREATED = "2026-01-01T00:00:00+00:00"
BRIGHT = (slice(3, 7), slice(2, 5), slice(1, 4))


def plane_of(k: int, bright: bool = True) -> np.ndarray:
    """One slice ``(row, column)``: ground of 100 and, in some slices, a block of 900."""
    volume = np.full(SHAPE, 100, np.uint16)
    if bright:
        volume[BRIGHT] = 900
    return volume[:, :, k].T


def write_series(
    folder: Path,
    *,
    study: str = "1.2.3",
    series: str = "1.2.3.1",
    frame: str = "1.2.3.9",
    description: str = "T1",
    bright: bool = True,
    slices: int = SHAPE[2],
    start: int = 0,
    **attributes: Any,
) -> list[Path]:
    """A valid MR series with a bright block, of ``slices`` from ``start`` on.

    ``attributes`` by DICOM keyword go into every instance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(start, start + slices):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, f"{series}.{k + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20240102", "030405", "A1", "7"
        ds.Modality, ds.SeriesDescription, ds.StudyDescription = "MR", description, "Brain"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = (
            "M\xfcller^Eva",
            "P1",
            "19800101",
            "F",
        )
        ds.ReferringPhysicianName, ds.Manufacturer, ds.PositionReferenceIndicator = "", "maker", ""
        ds.SeriesNumber, ds.InstanceNumber = 1, k + 1
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
        ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength = "10", "500", "1"
        ds.SliceThickness, ds.PixelSpacing = "3", ["1", "2"]
        ds.ImagePositionPatient, ds.ImageOrientationPatient = (
            ["-5", "-9", str(3 * k)],
            ["1", "0", "0", "0", "1", "0"],
        )
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows, ds.Columns = SHAPE[1], SHAPE[0]
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        for keyword, value in attributes.items():
            setattr(ds, keyword, value)
        ds.PixelData = plane_of(k, bright).astype("<u2").tobytes()
        paths.append(folder / f"{series}.{k + 1}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    return paths


def _model(nodes: list[Any], weights: list[Any], outputs: dict[str, int], channels: int, dims: int) -> bytes:
    """An ONNX network; ``outputs`` says how many channels each has and, above 0, that it is dense."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    spatial = ["d", "h", "w"][:dims]
    given = [
        helper.make_tensor_value_info(name, kind, ["n", abs(count), *(spatial if count > 0 else [])])
        for name, count in outputs.items()
    ]
    taken = [helper.make_tensor_value_info("x", kind, ["n", channels, *spatial])]
    graph = helper.make_graph(nodes, "tiny", taken, given, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _tensors(**arrays: np.ndarray) -> list[Any]:
    onnx = pytest.importorskip("onnx")
    return [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]


def _preprocess(dims: int, channels: int = 1) -> Preprocess:
    return Preprocess(dimensions=dims, intensity=[Intensity(method="fixed")] * channels)


def write_segmenter(
    path: Path, channels: tuple[Channel, ...] = (Channel(name="T1", modality=["MR"]),), **manifest: Any
) -> Package:
    """A package that finds ``lesion`` where the first channel exceeds 500, and never an ``edema``."""
    onnx = pytest.importorskip("onnx")
    count = len(channels)
    weight = np.zeros((3, count, 1, 1, 1))
    weight[0, 0], weight[1, 0] = -0.1, 0.1
    conv = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"])
    tensors = _tensors(w=weight, b=np.array([50, -50, -1000]))
    content = Manifest(
        name="block finder",
        version="1.2",
        created=CREATED,
        task="segmentation",
        channels=list(channels),
        preprocess=_preprocess(3, count),
        labels=["background", "lesion", "edema"],
        files={},
        **manifest,
    )
    return write_package(path, content, _model([conv], tensors, {"y": 3}, count, 3))


def _of_mean(weight: list[float], bias: list[float], dims: int) -> bytes:
    """A network of one linear layer over the mean of the image."""
    onnx = pytest.importorskip("onnx")
    mean = onnx.helper.make_node("ReduceMean", ["x"], ["m"], axes=list(range(2, 2 + dims)), keepdims=0)
    gemm = onnx.helper.make_node("Gemm", ["m", "w", "b"], ["y"])
    tensors = _tensors(w=np.array([weight]), b=np.array(bias))
    return _model([mean, gemm], tensors, {"y": -len(bias)}, 1, dims)


def write_classifier(
    path: Path, limits: Limits | None = None, dimensions: int = 3, **manifest: Any
) -> Package:
    """A package that takes the mean of the image for the chance of ``bright``: above 120 likely."""
    content = Manifest(
        name="brightness",
        version="0.9",
        created=CREATED,
        task="classification",
        channels=[Channel(name="image")],
        preprocess=_preprocess(dimensions),
        labels=["dark", "bright"],
        positive="bright",
        operating_points={"bright": OperatingPoint(rule="youden", threshold=0.4)},
        limits=limits or Limits(),
        files={},
        **manifest,
    )
    return write_package(path, content, _of_mean([-0.05, 0.05], [6, -6], dimensions))


def write_multilabel(path: Path, dimensions: int = 3, **manifest: Any) -> Package:
    """A package of three findings of the image's mean: ``bright`` above 120, ``dark lesion`` below, and the
    undecided ``haze`` at one half whatever is seen."""
    points = {
        "bright": OperatingPoint(rule="youden", threshold=0.4),
        "dark lesion": OperatingPoint(rule="sensitivity 0.9", threshold=0.7),
    }
    content = Manifest(
        name="findings of brightness",
        version="0.3",
        created=CREATED,
        task="multilabel",
        channels=[Channel(name="image")],
        preprocess=_preprocess(dimensions),
        labels=["bright", "dark lesion", "haze"],
        files={},
        **{"operating_points": points, **manifest},
    )
    return write_package(path, content, _of_mean([0.05, -0.05, 0], [-6, 6, 0], dimensions))


def write_ordinal(path: Path, dimensions: int = 3) -> Package:
    """A package of three grades of the image's mean, of which the middle one and higher count as positive."""
    content = Manifest(
        name="grades of brightness",
        version="0.1",
        created=CREATED,
        task="ordinal",
        channels=[Channel(name="image")],
        preprocess=_preprocess(dimensions),
        labels=["grade 0", "grade 1", "grade 2"],
        positive="grade 1",
        operating_points={"grade 1": OperatingPoint(rule="youden", threshold=0.4)},
        files={},
    )
    return write_package(path, content, _of_mean([0.05, 0.05], [-6, -9], dimensions))


def write_regression(path: Path, dimensions: int = 3, **manifest: Any) -> Package:
    """A package that calls the image's mean an age, with intervals of two spreads to either side."""
    residuals = Spread(low=-2.0, high=2.0, coverage=0.9, cases=40)
    content = Manifest(
        name="age of brightness",
        version="0.1",
        created=CREATED,
        task="regression",
        channels=[Channel(name="image")],
        preprocess=_preprocess(dimensions),
        labels=["age"],
        quantity=Quantity(unit="a", low=0, high=120),
        decoding={"centre": 0.0, "scale": 1.0},
        files={},
        **({"calibration": Calibration(value_residuals={"age": residuals})} | manifest),
    )
    return write_package(path, content, _of_mean([0.5, 0.0], [0, 1], dimensions))


BRIGHT_BOX = (
    (BRIGHT[0].start, BRIGHT[1].start, BRIGHT[2].start),
    (
        BRIGHT[0].stop,
        BRIGHT[1].stop,
        BRIGHT[2].stop,
    ),
)
"""Low and high corners ``(column, row, slice)`` of the bright block, in voxels counted from the outer edge."""


def write_detector(path: Path, dimensions: int = 3, **manifest: Any) -> Package:
    """A package that boxes the bright block as a ``nodule`` of score 0.9, and never a ``gizmo``.

    In 2D it boxes the block as one slice shows it. Its heat map is the sum over a window of the block's size, which
    is largest, and above the threshold, on the block alone.
    """
    onnx = pytest.importorskip("onnx")
    # A 2D image is (row, column), a volume (column, row, slice).
    block = [BRIGHT[1], BRIGHT[0]] if dimensions == 2 else list(BRIGHT)
    size = [part.stop - part.start for part in block]
    volume = float(np.prod(size))
    window = np.zeros((2, 1, *size))
    window[0] = np.log(9) / (200 * volume)
    # At 700 in the mean the logit is 0, at 900 it is log 9.
    bias = np.array([-700 / 200 * np.log(9), -20])
    # The window around a cell runs from -(n // 2), so that a block's middle is the lower edge of its cell, or half
    # a cell further on where n is odd.
    pads = [n // 2 for n in size] + [(n - 1) // 2 for n in size]
    none = np.zeros((dimensions, 1, *[1] * dimensions))
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["heat"], pads=pads),
        onnx.helper.make_node("Conv", ["x", "none", "extent"], ["size"]),
        onnx.helper.make_node("Conv", ["x", "none", "within"], ["offset"]),
    ]
    tensors = _tensors(
        w=window, b=bias, none=none, extent=np.log(size), within=np.array([0.5 * (n % 2) for n in size])
    )
    outputs = {"heat": 2, "size": dimensions, "offset": dimensions}
    points = {label: OperatingPoint(rule="sensitivity 0.9", threshold=0.5) for label in ("nodule", "gizmo")}
    content = Manifest(
        name="nodule finder",
        version="2.0",
        created=CREATED,
        task="detection",
        channels=[Channel(name="image")],
        preprocess=_preprocess(dimensions),
        labels=["nodule", "gizmo"],
        files={},
        **{"operating_points": points, **manifest},
    )
    return write_package(path, content, _model(nodes, tensors, outputs, 1, dimensions))


def free_port() -> int:
    """A TCP port that nobody listens on, from below those that the system gives to outgoing connections.

    One of theirs may be taken by any connection of any process before the node that is to listen on it has started.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(12_000, 32_000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


@dataclass
class Archive:
    """A storage node that stands for the PACS.

    ``arrivals`` lists the SOP Instance UID of every C-STORE that ended well, ``refusals`` of the others;
    ``on_first`` is called once, after the first arrival; with ``refuse`` nothing is taken.
    """

    folder: Path
    port: int
    arrivals: list[str] = field(default_factory=list)
    refusals: list[Stored] = field(default_factory=list)
    on_first: Callable[[], None] | None = None
    refuse: bool = False
    server: Any = None

    def start(self) -> None:
        """Listen."""
        self.server = start_storage(
            _Gate(self.folder, self), aet="PACS", host="127.0.0.1", port=self.port, on_stored=self._arrived
        )

    def _arrived(self, stored: Stored, calling: str) -> None:
        if stored.status is not Status.SUCCESS:
            self.refusals.append(stored)
            return
        self.arrivals.append(stored.sop)
        if self.on_first is not None:
            action, self.on_first = self.on_first, None
            action()

    def stop(self) -> None:
        """Stop listening."""
        if self.server is not None:
            self.server.shutdown()
            self.server = None

    def files(self) -> list[Path]:
        """What has come."""
        return sorted(p for p in self.folder.glob("*/*.dcm"))

    def by_modality(self) -> dict[str, list[Dataset]]:
        """What has come, read, by Modality."""
        found: dict[str, list[Dataset]] = {}
        for path in self.files():
            ds = dcmread(path)
            found.setdefault(str(ds.Modality), []).append(ds)
        return found


class _Gate(Spool):
    """A spool that may be told to take nothing."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        super().__init__(folder)
        self.archive = archive

    def keep(self, arriving: Arriving) -> Stored:
        if self.archive.refuse:
            arriving.discard()
            return Stored(Status.DOES_NOT_MATCH, "not today")
        return super().keep(arriving)


@dataclass
class Site:
    """A folder with a clinic.yaml, and the process that serves it."""

    folder: Path
    config: dict[str, Any]
    process: subprocess.Popen[str] | None = None

    @property
    def yaml(self) -> Path:
        """The configuration file, written anew."""
        path = self.folder / "clinic.yaml"
        path.write_text(yaml.safe_dump(self.config))
        return path

    @property
    def peer(self) -> str:
        """Where to send."""
        return f"{self.config['aet']}@127.0.0.1:{self.config['port']}"

    def start(self, *command: str) -> None:
        """overread serve, or another script with the same meaning, until its page answers."""
        self.launch(*command)
        wait_for(lambda: self._answers() or self._died())

    def launch(self, *command: str) -> None:
        """As `start`, without waiting for anything."""
        program = command or ("-m", "overread.cli", "serve", str(self.yaml))
        self.process = subprocess.Popen(
            [sys.executable, *program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def send(self, *files: Path) -> None:
        """C-STORE, each acknowledged."""
        assert not send_files(files, parse_peer(self.peer), "MODALITY", timeout=CEILING_SECONDS).failed

    def study(self, uid: str) -> dict[str, Any]:
        """What the node says about a study; empty where it does not know it."""
        try:
            return dict(json.loads(self.get(f"/api/studies/{uid}")))
        except urllib.error.HTTPError as error:
            assert error.code == 404
            return {}

    def wait_state(self, uid: str, state: str) -> dict[str, Any]:
        """Wait until a study stands there."""
        return dict(wait_for(lambda: (s := self.study(uid)) and s["state"] == state and s))

    def end(self) -> None:
        """Make sure that no process is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(CEILING_SECONDS)

    def _answers(self) -> bool:
        try:
            return bool(self.get("/healthz"))
        except OSError:
            return False

    def _died(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            output = self.process.stdout.read() if self.process.stdout else ""
            raise AssertionError(f"serve ended with {self.process.returncode}: {output}")
        return False

    def get(self, path: str) -> str:
        """A page."""
        return self.get_bytes(path).decode()

    def get_bytes(self, path: str) -> bytes:
        """A page or picture."""
        url = f"http://127.0.0.1:{self.config['web']['port']}{path}"
        with urllib.request.urlopen(url, timeout=CEILING_SECONDS) as answer:
            return bytes(answer.read())

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(CEILING_SECONDS)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(CEILING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def make_site(folder: Path, pacs_port: int) -> Site:
    """A node with one route and one destination; the package is for the caller to write."""
    folder.mkdir()
    config = {
        "aet": "OVERREAD",
        "port": free_port(),
        "folder": "state",
        "quiet_seconds": QUIET_SECONDS,
        "web": {"port": free_port(), "login": False},
        "routes": [{"name": "blocks", "package": "blocks.overread", "match": {"Modality": "^MR$"}}],
        "destinations": [{"name": "PACS", "aet": "PACS", "host": "127.0.0.1", "port": pacs_port}],
        "delivery": {
            "attempts": 3,
            "retry_seconds": 0.2,
            "longest_retry_seconds": 1,
            "timeout_seconds": CEILING_SECONDS,
        },
    }
    return Site(folder, config)


def wait_for(condition: Callable[[], Any], seconds: float = CEILING_SECONDS) -> Any:
    """Ask until the answer is true; fails after ``seconds``, which no test is meant to reach."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.05)
