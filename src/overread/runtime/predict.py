"""predict(package, image): the one function that is validated and the one that answers in the clinic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, OverreadError
from overread.imaging.image import Image
from overread.runtime.engine import Engine, engine_of
from overread.runtime.limits import breaches, unchecked
from overread.runtime.manifest import Manifest
from overread.runtime.maps import maps_of
from overread.runtime.outputs import Network, Outputs
from overread.runtime.package import Package
from overread.runtime.prediction import Outcome, Prediction
from overread.runtime.preprocess import Prepared, prepare
from overread.runtime.tasks import TASKS


def predict(package: Package, image: Image, *, maps: bool = False) -> Prediction:
    """Answer one image.

    Parameters
    ----------
    package
        A verified package.
    image
        All channels of one examination, in the package's order, on one grid.
    maps
        Whether the prediction is to hold maps, see `overread.runtime.maps`.

    Returns
    -------
    Prediction
        With outcome ``out_of_limits`` and no answer where the image breaks a declared limit.

    Raises
    ------
    OverreadError
        As `raw_of`.
    InputError
        As `prepare`.
    """
    began = time.perf_counter()
    manifest = package.manifest
    common: dict[str, Any] = {
        "task": manifest.task,
        "package": manifest.name,
        "package_version": manifest.version,
        "package_sha256": package.sha256,
        "quality": _quality(image),
    }
    broken = breaches(image, manifest)
    if broken:
        return Prediction(
            Outcome.OUT_OF_LIMITS,
            breaches=broken,
            notes=(*image.notes, *unchecked(image, manifest)),
            seconds=time.perf_counter() - began,
            **common,
        )
    prepared = prepare(image, manifest.preprocess)
    raw = raw_of(package, prepared)
    return Prediction(
        Outcome.OK,
        answer=TASKS[manifest.task].answer(raw, prepared, manifest),
        maps=maps_of(raw, prepared, manifest) if maps else {},
        notes=(*prepared.notes, *unchecked(image, manifest)),
        seconds=time.perf_counter() - began,
        **common,
    )


def raw_of(package: Package, prepared: Prepared) -> Outputs:
    """What the package's network gives for one prepared image, before calibration: the task's `RuntimeTask.raw`.

    Raises
    ------
    InputError
        A network that does not fit its manifest.
    OverreadError
        Values that are no finite numbers: from these any answer would be made up.
    """
    manifest = package.manifest
    out = TASKS[manifest.task].raw(network_of(engine_of(package), manifest), prepared, manifest)
    for name, array in out.items():
        if not np.isfinite(array).all():
            raise OverreadError(
                f"{package.path}: the network's {name} holds NaN or infinite values for this image; check the image's "
                "grey values, else the package is not fit for it"
            )
    return out


def network_of(engine: Engine, manifest: Manifest) -> Network:
    """The network with its outputs under the names that the task reads; others are left out."""
    wanted = TASKS[manifest.task].OUTPUTS
    named = manifest.outputs or list(engine.outputs)
    # The only output of a network may have any name.
    given = {wanted[0]: named[0]} if len(wanted) == 1 else {name: name for name in wanted}
    missing = [own for own in given.values() if own not in engine.outputs]
    if missing:
        raise InputError(
            f"package {manifest.name} {manifest.version}: its network gives {', '.join(engine.outputs)}, a "
            f"{manifest.task} package needs {', '.join(missing)}; network and package.json belong to different models"
        )

    def network(batch: NDArray[np.float32]) -> Outputs:
        outputs = engine(batch)
        return {name: outputs[own] for name, own in given.items()}

    return network


def _quality(image: Image) -> dict[str, Any]:
    quality: dict[str, Any] = {
        "size": list(image.spatial),
        "spacing_mm": [round(s, 4) for s in image.spacing],
    }
    quality["modality"] = image.modality or "unknown"
    if image.source.get("age_years") is not None:
        quality["age_years"] = image.source["age_years"]
    return quality
