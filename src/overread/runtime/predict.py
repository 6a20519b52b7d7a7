"""predict(package, image): the one function that is validated and the one that answers in the clinic."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, OverreadError
from overread.imaging.image import Image
from overread.runtime.doubt import doubted, feature_distance, too_far
from overread.runtime.engine import Engine, engine_of, engines_of
from overread.runtime.limits import breaches, unchecked
from overread.runtime.manifest import Manifest, Uncertainty
from overread.runtime.maps import maps_of
from overread.runtime.outputs import Network, Outputs
from overread.runtime.package import MODEL, Package
from overread.runtime.prediction import Outcome, Prediction
from overread.runtime.preprocess import Prepared, prepare
from overread.runtime.several import Apart, one_network, views_apart
from overread.runtime.tasks import TASKS
from overread.runtime.uncertainty.heads import drawn, evidence
from overread.runtime.uncertainty.pool import calibrated, pooled, together
from overread.runtime.views import in_views
from overread.task import TASKS as FACTS


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
    notes = (*prepared.notes, *unchecked(image, manifest))
    raw = raw_of(package, prepared, maps=maps)
    common["computed"] = engine_of(package).computed
    apart = feature_distance(raw, package)
    if apart is not None:
        common["quality"]["feature_distance"] = round(apart, 4)
    strange = too_far(apart, manifest)
    if strange is not None:
        return Prediction(
            Outcome.OUT_OF_LIMITS,
            breaches=(strange,),
            notes=notes,
            seconds=time.perf_counter() - began,
            **common,
        )
    return Prediction(
        Outcome.OK,
        answer=doubted(TASKS[manifest.task].answer(raw, prepared, manifest), raw, manifest),
        maps=maps_of(raw, prepared, manifest) if maps else {},
        notes=notes,
        seconds=time.perf_counter() - began,
        **common,
    )


def raw_of(package: Package, prepared: Prepared, *, maps: bool = False) -> Outputs:
    """What the package's networks give for one prepared image, before calibration: the task's `RuntimeTask.raw`.

    Of several networks, or several draws of one, the task's outputs are those of them together, and ``draws
    (draws, outputs)`` has the logits of each. Of a whole image seen in several views, ``views (views, outputs)`` has
    the logits of each view. Of dense tasks networks are averaged window by window. ``maps``: with what maps need.

    Raises
    ------
    InputError
        A network that does not fit its manifest.
    OverreadError
        Values that are no finite numbers: from these any answer would be made up.
    """
    manifest = package.manifest
    if TASKS[manifest.task].POOL is None and FACTS[manifest.task].local:
        out = local_of(package, prepared, maps=maps)
    else:
        out = several_of(package, prepared) if manifest.uncertainty.ensemble else one_of(package, prepared)
    for name, array in out.items():
        if not np.isfinite(array).all():
            raise OverreadError(
                f"{package.path}: the network's {name} holds NaN or infinite values for this image; check the image's "
                "grey values, else the package is not fit for it"
            )
    return out


def local_of(package: Package, prepared: Prepared, *, maps: bool = False) -> Outputs:
    """Outputs of a task that answers window by window: networks and views become one in each window."""
    manifest, task = package.manifest, TASKS[package.manifest.task]
    ensemble, engines = manifest.uncertainty.ensemble, engines_of(package)
    apart: Apart | None = {} if manifest.uncertainty.quality or manifest.uncertainty.refer else None
    if ensemble is None:
        networks, weights, how = [engine_of(package)], [1.0], "average"
    else:
        for member in ensemble.members:
            if member.preprocess is not None:
                raise InputError(
                    f"{package.path}: {member.file} has a preprocessing of its own; networks that answer windows "
                    "together need the same"
                )
        networks = [engines[member.file] for member in ensemble.members]
        weights, how = [member.weight for member in ensemble.members], str(ensemble.how)
    seen = [network_of(engine, manifest, apart=apart if len(networks) == 1 else None) for engine in networks]
    network = one_network(seen, weights, manifest, how=how, apart=apart)
    return task.raw(network, prepared, manifest, maps=maps) | (apart or {})


def one_of(package: Package, prepared: Prepared) -> Outputs:
    """Outputs of the package's only network, and of its draws together where it is asked for any."""
    manifest, task = package.manifest, TASKS[package.manifest.task]
    out = seen_by(engine_of(package), prepared, manifest)
    draws = manifest.uncertainty.draws
    if draws is None or task.POOL is None:
        return out
    z = drawn(out["features"], draws, package.arrays)
    mean = together(z, [1.0] * len(z), task.POOL)
    return out | {"logits": mean.astype(np.float32), "draws": z.astype(np.float32)}


def several_of(package: Package, prepared: Prepared) -> Outputs:
    """Outputs of the package's networks together, each by its own preprocessing and calibration where it has them."""
    manifest, task = package.manifest, TASKS[package.manifest.task]
    ensemble, engines = manifest.uncertainty.ensemble, engines_of(package)
    assert ensemble is not None
    raws: list[Outputs] = []
    for member in ensemble.members:
        own = manifest if member.file == MODEL else _without_features(manifest)
        if member.preprocess is not None:
            own = own.model_copy(update={"preprocess": member.preprocess})
        seen = prepared if member.preprocess is None else prepare(prepared.original, member.preprocess)
        raws.append(calibrated(seen_by(engines[member.file], seen, own), member))
    return pooled(raws, [m.weight for m in ensemble.members], task.POOL, how=ensemble.how)


def seen_by(engine: Engine, prepared: Prepared, manifest: Manifest) -> Outputs:
    """Outputs of one network, as the mean of its views; ``views`` has the logits of each where it sees whole images."""
    task, kept = TASKS[manifest.task], list[Outputs]()
    # Only of whole images: of windows all views of all of them would be too many to keep.
    network = network_of(engine, manifest, kept=None if task.POOL is None else kept)
    out = evidence(task.raw(network, prepared, manifest), manifest)
    if not kept:
        return out

    def logits(one: Outputs) -> NDArray[np.float32]:
        return evidence(task.raw(lambda batch: one, prepared, manifest), manifest)["logits"]

    return out | {"views": np.stack([logits(one) for one in kept])}


def _without_features(manifest: Manifest) -> Manifest:
    """The manifest of a network whose features nobody reads."""
    return manifest.model_copy(
        update={"uncertainty": Uncertainty(evidential=manifest.uncertainty.evidential)}
    )


def network_of(
    engine: Engine, manifest: Manifest, *, kept: list[Outputs] | None = None, apart: Apart | None = None
) -> Network:
    """The network, in the manifest's views, with its outputs under the names that the task reads, and its features;
    others are left out. Outputs of each view are added to ``kept``, and how far views lie apart to ``apart``."""
    wanted = TASKS[manifest.task].OUTPUTS
    named = manifest.outputs or list(engine.outputs)
    # The only output of a network may have any name.
    given = {wanted[0]: named[0]} if len(wanted) == 1 else {name: name for name in wanted}
    features = manifest.uncertainty.features
    if features:
        given["features"] = features
    missing = [own for own in given.values() if own not in engine.outputs]
    if missing:
        raise InputError(
            f"package {manifest.name} {manifest.version}: its network gives {', '.join(engine.outputs)}, a "
            f"{manifest.task} package needs {', '.join(missing)}; network and package.json belong to different models"
        )

    flat = manifest.windows is not None and manifest.windows.stack is not None

    def network(batch: NDArray[np.float32]) -> Outputs:
        # A 2D network sees windows of one slice.
        outputs = engine(batch[..., 0] if flat else batch)
        return {name: outputs[own][..., None] if flat else outputs[own] for name, own in given.items()}

    per_axis = getattr(TASKS[manifest.task], "PER_AXIS", None)
    if apart is not None and manifest.views:
        return views_apart(network, manifest, apart)
    return in_views(network, manifest.views, per_axis=per_axis, kept=kept)


def _quality(image: Image) -> dict[str, Any]:
    quality: dict[str, Any] = {
        "size": list(image.spatial),
        "spacing_mm": [round(s, 4) for s in image.spacing],
    }
    quality["modality"] = image.modality or "unknown"
    if image.source.get("age_years") is not None:
        quality["age_years"] = image.source["age_years"]
    return quality
