"""plans.json and dataset.json of nnU-Net v2: what one configuration does to an image, in this project's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overread.errors import InputError
from overread.runtime.manifest import Channel, Intensity, Preprocess, Windows
from overread.runtime.manifest_input import Resampling
from overread.runtime.regions import Region
from overread.runtime.views import mirrored_views

READERS = {"SimpleITKIO": None, "NibabelIO": None, "NibabelIOWithReorient": "RAS", "NaturalImage2DIO": None}
"""Readers of nnU-Net, and the orientation to which each turns images; the others' axes are those of the file."""
STEP = 0.5
"""Of nnU-Net's predictor: windows start half a window apart."""
MODALITIES = {"ct": "CT", "mri": "MR", "mr": "MR", "pet": "PT", "us": "US"}


@dataclass(frozen=True)
class Configuration:
    """One configuration of a plan. ``order[i]`` is the package's axis that nnU-Net has as its axis i; ``slices``: a 2D
    network that sees a volume slice by slice along nnU-Net's first axis."""

    name: str
    network: str
    arguments: Mapping[str, Any]
    patch: tuple[int, ...]
    order: tuple[int, ...]
    slices: bool
    preprocess: Preprocess

    @property
    def window(self) -> list[int]:
        """The network's patch along the package's axes."""
        sizes = (1, *self.patch) if self.slices else self.patch
        return [sizes[self.order.index(axis)] for axis in range(len(self.order))]

    def windows(self) -> Windows:
        return Windows(size=self.window, overlap=STEP, rule="nnunet", blend="logits")

    def views(self, mirrored: Sequence[int]) -> list[str]:
        """The mirrored views of nnU-Net's ``mirrored`` axes, along the package's axes."""
        return mirrored_views([self.order[axis + 1 if self.slices else axis] for axis in mirrored])


def read_configuration(
    plans: Mapping[str, Any],
    dataset: Mapping[str, Any],
    name: str,
    where: str,
    *,
    orientation: str | None = None,
) -> Configuration:
    """The configuration ``name`` of ``plans``. Raises InputError, beginning with ``where``, for what cannot be said."""
    told = inherited(plans, name, where)
    if told.get("previous_stage") or told.get("previous_stage_name"):
        raise InputError(
            f"{where}: configuration {name} takes the answer of another network as its input, which a package cannot "
            "say; import 3d_fullres, 3d_lowres or 2d"
        )
    reader = str(
        dataset.get("overwrite_image_reader_writer") or plans.get("image_reader_writer") or "SimpleITKIO"
    )
    if reader not in READERS:
        raise InputError(f"{where}: images are read by {reader}, expected {', '.join(READERS)}")
    flat = reader == "NaturalImage2DIO"
    patch = tuple(int(n) for n in told["patch_size"])
    slices = len(patch) == 2 and not flat
    if flat:
        order: tuple[int, ...] = (0, 1)
    else:
        # A file's axes are x, y, z; nnU-Net reads z, y, x, and then puts its own order upon them.
        order = tuple(2 - int(axis) for axis in plans.get("transpose_forward", (0, 1, 2)))
    _only(
        told.get("preprocessor_name", "DefaultPreprocessor"),
        ("DefaultPreprocessor",),
        where,
        "preprocessor_name",
    )
    own = [float(mm) for mm in told["spacing"]]
    spacing = None
    if not flat:
        by_network = [0.0, *own] if slices else own
        spacing = [by_network[order.index(axis)] for axis in range(3)]
    channels = len(channel_names(dataset, where))
    preprocess = Preprocess(
        dimensions=2 if flat else 3,
        color="rgb" if flat and channels == 3 else "as_is",
        orientation=None if flat else (orientation or READERS[reader]),
        spacing=spacing,
        intensity=intensities(plans, told, where),
        order="values_first",
        crop="nonzero",
        resampling=None if flat else _resampling(told, where),
    )
    return Configuration(name, *_network(told, len(patch), where), patch, order, slices, preprocess)


def inherited(plans: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """A configuration with what it takes over from others."""
    known = plans.get("configurations") or {}
    if name not in known:
        raise InputError(f"{where}: no configuration {name!r}; plans.json has {', '.join(map(str, known))}")
    seen: list[str] = []
    out: dict[str, Any] = {}
    while name:
        if name in seen or name not in known:
            raise InputError(f"{where}: configuration {name!r} inherits from itself or from nothing")
        seen.append(name)
        out = {**known[name], **out}
        name = str(known[name].get("inherits_from") or "")
    return out


def channel_names(dataset: Mapping[str, Any], where: str) -> list[str]:
    """Names of the channels in their order, each once."""
    found = dataset.get("channel_names") or dataset.get("modality")
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"{where}: dataset.json has no channel_names")
    names = [str(found[k]) for k in sorted(found, key=int)]
    return [n if names.count(n) == 1 else f"{n} {i}" for i, n in enumerate(names)]


def channels_of(dataset: Mapping[str, Any], where: str) -> list[Channel]:
    """The package's channels, with the modality where a channel is called by one."""
    return [
        Channel(name=n, modality=[MODALITIES[n.lower()]] if n.lower() in MODALITIES else [])
        for n in channel_names(dataset, where)
    ]


def labels_of(dataset: Mapping[str, Any], where: str) -> tuple[list[str], dict[str, Region]]:
    """The labels of the mask by their value, and the regions where the network answers these."""
    told = {str(k): v for k, v in (dataset.get("labels") or {}).items() if k != "ignore"}
    if not told:
        raise InputError(f"{where}: dataset.json has no labels")
    if not any(isinstance(v, list | tuple) for v in told.values()):
        by_value = {int(v): k for k, v in told.items()}
        if sorted(by_value) != list(range(len(told))):
            raise InputError(
                f"{where}: labels have the values {sorted(by_value)}, expected 0 to {len(told) - 1}"
            )
        return [by_value[v] for v in range(len(told))], {}
    values = {
        k: sorted({int(i) for i in (v if isinstance(v, list | tuple) else [v])}) for k, v in told.items()
    }
    regions = {k: v for k, v in values.items() if v != [0]}
    painted = [int(v) for v in dataset.get("regions_class_order") or []]
    if len(painted) != len(regions) or sorted(painted) != list(range(1, len(painted) + 1)):
        raise InputError(
            f"{where}: regions_class_order is {painted} for {len(regions)} regions, expected each of 1 to "
            f"{len(regions)} once"
        )
    background = next((k for k, v in values.items() if v == [0]), "background")
    name = {v: f"label {v}" for v in painted}
    try:
        made = {
            k: Region(labels=[name[i] for i in v], paints=name[p])
            for (k, v), p in zip(regions.items(), painted, strict=True)
        }
    except KeyError as error:
        raise InputError(f"{where}: label {error.args[0]} is in a region, but no region paints it") from error
    return [background, *(name[v] for v in sorted(painted))], made


def intensities(plans: Mapping[str, Any], told: Mapping[str, Any], where: str) -> list[Intensity]:
    """How each channel's grey values are brought to the network's (nnunetv2.preprocessing.normalization)."""
    schemes, masked = told["normalization_schemes"], told.get("use_mask_for_norm") or []
    facts = plans.get("foreground_intensity_properties_per_channel") or {}
    out = []
    for i, scheme in enumerate(schemes):
        inside: Any = "filled" if i < len(masked) and masked[i] else "all"
        match str(scheme):
            case "CTNormalization":
                of = facts[str(i)]
                out.append(
                    Intensity(
                        method="fixed",
                        low=of["percentile_00_5"],
                        high=of["percentile_99_5"],
                        mean=of["mean"],
                        std=max(of["std"], 1e-8),
                    )
                )
            case "ZScoreNormalization":
                out.append(Intensity(method="whole", inside=inside))
            case "NoNormalization":
                out.append(Intensity(method="fixed"))
            case "RescaleTo01Normalization":
                out.append(Intensity(method="minmax"))
            case "RGBTo01Normalization":
                out.append(Intensity(method="fixed", std=255.0))
            case _:
                raise InputError(f"{where}: normalisation {scheme!r} is not known; it cannot be imported")
    return out


def _resampling(told: Mapping[str, Any], where: str) -> Resampling:
    for key in ("resampling_fn_data", "resampling_fn_probabilities"):
        _only(told.get(key, "resample_data_or_seg_to_shape"), ("resample_data_or_seg_to_shape",), where, key)
    data = told.get("resampling_fn_data_kwargs") or {}
    back = told.get("resampling_fn_probabilities_kwargs") or {}
    apart = data.get("force_separate_z")
    if (
        apart is True
        or data.get("order_z", 0) != 0
        or back.get("order_z", 0) != 0
        or back.get("order", 1) != 1
    ):
        raise InputError(f"{where}: resampling with {data} and {back} cannot be said in a package")
    order = data.get("order", 3)
    if order not in (0, 1, 3):
        raise InputError(f"{where}: resampling of order {order}, expected 0, 1 or 3")
    return Resampling(order=order, clip=True, thick=apart is None, back="logits")


def _network(told: Mapping[str, Any], dimensions: int, where: str) -> tuple[str, dict[str, Any]]:
    """The network's name and arguments; of plans before nnU-Net 2.4 these follow from other keys."""
    architecture = told.get("architecture")
    if architecture:
        return str(architecture["network_class_name"]), dict(architecture["arch_kwargs"])
    try:
        kernels, strides = told["conv_kernel_sizes"], told["pool_op_kernel_sizes"]
        base, most = int(told["UNet_base_num_features"]), int(told["unet_max_num_features"])
        kind = str(told["UNet_class_name"])
        depth = "n_blocks_per_stage" if kind == "ResidualEncoderUNet" else "n_conv_per_stage"
        return kind, {
            "n_stages": len(kernels),
            "features_per_stage": [min(base * 2**i, most) for i in range(len(kernels))],
            "conv_op": f"Conv{dimensions}d",
            "kernel_sizes": kernels,
            "strides": strides,
            depth: told["n_conv_per_stage_encoder"],
            "n_conv_per_stage_decoder": told["n_conv_per_stage_decoder"],
            "conv_bias": True,
            "norm_op": f"InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "nonlin": "LeakyReLU",
        }
    except KeyError as error:
        raise InputError(
            f"{where}: plans.json does not say {error.args[0]}; it is no plan of nnU-Net v2"
        ) from error


def _only(found: Any, known: Sequence[str], where: str, key: str) -> None:
    if found not in known:
        raise InputError(
            f"{where}: {key} is {found!r}, expected {' or '.join(known)}; others are not imported"
        )
