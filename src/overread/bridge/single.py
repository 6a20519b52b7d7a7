"""A plain ONNX or TorchScript file, with a small YAML beside it that says what it is."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from overread.bridge.imported import Imported
from overread.errors import InputError
from overread.files import sha256_file
from overread.runtime.manifest import Channel, Preprocess, Quantity, Windows
from overread.runtime.onnx_file import onnx_facts
from overread.settings import PlainName, Strict, read_settings
from overread.task import TASKS, TaskName

SUFFIXES = (".onnx", ".pt", ".ts", ".pth")
MISSING = (
    "write it, as docs/howto/import-model.md shows: it says labels, spacing and normalisation of the network"
)


class Settings(Strict):
    """The YAML beside a network's file.

    ``preprocess`` and ``windows`` are those of a package (docs/package.md). ``one_channel``: a segmentation network
    with one channel, whose sigmoid says whether a voxel belongs to the label after the background. ``input``: voxels
    per axis of a TorchScript network without windows and size.
    """

    name: PlainName
    version: PlainName = "1"
    task: TaskName
    channels: list[Channel] = Field(min_length=1)
    labels: list[str]
    preprocess: Preprocess
    windows: Windows | None = None
    views: list[str] = []
    positive: str | None = None
    quantity: Quantity | None = None
    one_channel: bool = False
    output: str | None = None
    input: list[int] | None = None
    licence: str = "not stated"
    source: str = "not stated"

    @model_validator(mode="after")
    def _sound(self) -> Settings:
        if self.one_channel and (not TASKS[self.task].background or len(self.labels) != 2):
            raise ValueError("one_channel: needs a segmentation of two labels, the background first")
        return self


def from_file(path: Path, settings: Path) -> Imported:
    """The network at ``path``, as ``settings`` say.

    Raises InputError for settings that are missing or wrong, and a file that is neither ONNX nor TorchScript; what the
    network and its settings do not agree on is found by the package.
    """
    told = read_settings(settings, Settings, MISSING)
    if path.suffix.lower() == ".onnx":
        model, difference = _onnx(path, told), None
    else:
        model, difference = _script(path, told)
    return Imported(
        name=told.name,
        version=told.version,
        task=told.task,
        channels=told.channels,
        labels=told.labels,
        preprocess=told.preprocess,
        windows=told.windows,
        views=told.views,
        positive=told.positive,
        quantity=told.quantity,
        networks=[model],
        difference=difference,
        inputs=0 if difference is None else 2,
        origin={
            "framework": "ONNX" if difference is None else "TorchScript",
            "licence": told.licence,
            "source": told.source,
            "files": {f.name: sha256_file(f) for f in (path, settings)},
        },
    )


def _onnx(path: Path, told: Settings) -> bytes:
    try:
        model = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    facts = onnx_facts(model, str(path))
    wanted = TASKS[told.task]
    if told.one_channel:
        from overread.bridge.onnx_graph import two_channels

        return two_channels(model, str(path))
    if told.output is not None and told.output not in facts.outputs:
        raise InputError(f"{path}: output {told.output!r}, but the network gives {', '.join(facts.outputs)}")
    if len(facts.outputs) > 1 and wanted.answer != "objects":
        from overread.bridge.onnx_graph import only_output

        if told.output is None:
            raise InputError(
                f"{path}: gives {', '.join(facts.outputs)}; say in the settings which one is read (output: ...)"
            )
        return only_output(model, told.output)
    return model


def _script(path: Path, told: Settings) -> tuple[bytes, float]:
    from overread.bridge.onnx_graph import two_channels
    from overread.bridge.to_onnx import to_onnx
    from overread.bridge.weights import read_script

    network = read_script(path)
    size = told.windows.size if told.windows else (told.preprocess.size or told.input)
    if size is None:
        raise InputError(
            f"{path}: the settings name no windows, preprocess.size or input, by whose voxels it is converted"
        )
    channels = {"gray": 1, "rgb": 3}.get(told.preprocess.color, len(told.channels))
    free = told.windows is None and told.preprocess.size is None
    converted = to_onnx(network, channels, size, free=free)
    model = two_channels(converted.model, str(path)) if told.one_channel else converted.model
    return model, converted.difference
