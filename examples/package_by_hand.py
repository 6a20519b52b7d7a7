"""A package made by hand from an ONNX network, and a CT slice answered with it.

Shows: what a package.json states (channel, preprocessing, labels, limits), how a package is written, verified and
asked, and that an image outside the limits gets a reason instead of an answer. The network is the least there is: bone
is whatever lies above 300 HU. It was tuned on nobody, so that the area it measures has no prediction interval.

Needs overread[train], which brings onnx. Writes bone.overread and bone.png into the current folder.

    python examples/package_by_hand.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from pydicom.data import get_testdata_file

import overread
from overread.imaging import write_png
from overread.imaging.picture import overlay, slice_of, window_to_uint8
from overread.runtime.answer_text import lines
from overread.runtime.manifest import Channel, Intensity, Limits, Manifest, Preprocess
from overread.runtime.package import write_package

BONE = 300.0
"""HU above which a voxel is taken for bone."""


def network() -> bytes:
    """Logits ``(batch, 2, rows, columns)`` of an image in units of 1000 HU: 0 for background, 50 (x - 0.3) for bone."""
    shape = ["batch", 1, "rows", "columns"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weight", "bias"], ["logits"])],
        "bone",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2, "rows", "columns"])],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, [2, 1, 1, 1], [0.0, 50.0]),
            helper.make_tensor("bias", TensorProto.FLOAT, [2], [0.0, -50.0 * BONE / 1000]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main() -> None:
    """Write the package, load it as a hospital would, and answer two images."""
    grey_values = Intensity(method="fixed", low=-1000, high=3000, std=1000)
    manifest = Manifest(
        name="bone",
        version="1.0.0",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task="segmentation",
        channels=[Channel(name="image", modality=["CT"])],
        preprocess=Preprocess(dimensions=2, intensity=[grey_values]),
        labels=["background", "bone"],
        limits=Limits(modality=["CT"], spacing_mm=[(0.3, 1.5), (0.3, 1.5)]),
        files={},  # written with its hashes below
    )
    write_package(Path("bone.overread"), manifest, network())
    package = overread.Package.load("bone.overread")
    print(f"{package.manifest.name} {package.manifest.version}, SHA-256 {package.sha256[:12]}")
    for name in ("CT_small.dcm", "MR_small.dcm"):
        image = overread.read(get_testdata_file(name))
        prediction = overread.predict(package, image)
        print(f"{name}: {prediction.summary()}")
        if prediction.answer is not None:
            for line in lines(prediction.answer):
                print(f"  {line.name}: {line.value} {line.interval or '(no interval: no tuning cases)'}")
            grey = window_to_uint8(slice_of(image, 0), low=-160, high=240)
            write_png(Path("bone.png"), overlay(grey, prediction.answer.mask))


if __name__ == "__main__":
    main()
