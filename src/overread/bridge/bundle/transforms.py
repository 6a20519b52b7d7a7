"""MONAI's transforms before and after a network, as a package's preprocessing; what it cannot say is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from overread.bridge.bundle.resolve import expressions
from overread.errors import InputError
from overread.runtime.manifest import Intensity
from overread.runtime.manifest_input import Resampling

NOTHING = {
    *(
        "LoadImage",
        "EnsureChannelFirst",
        "AddChannel",
        "AsChannelFirst",
        "EnsureType",
        "ToTensor",
        "ToDevice",
    ),
    *("CastToType", "SelectItems", "DeleteItems", "SaveImage", "Identity", "CopyItems", "FromMetaTensor"),
}
"""Transforms that change no voxel on the way from a file to the network, or do so after the answer."""


@dataclass
class Said:
    """What the transforms say, in a package's words."""

    orientation: str | None = None
    spacing: list[float] | None = None
    resampling: Resampling | None = None
    crop: str | None = None
    intensity: list[Intensity] | None = None
    values_first: bool = False
    done: list[str] = field(default_factory=list)


def name_of(told: Mapping[str, Any]) -> str:
    """A transform's name without the sign of its dictionary form."""
    name = str(told.get("_target_", "")).rsplit(".", 1)[-1]
    for ending in ("Dict", "d", "D"):
        if name.endswith(ending) and name != ending and not name.endswith("Threshold"):
            return name.removesuffix(ending)
    return name


def transforms_in(told: Any, where: str, key: str) -> list[Mapping[str, Any]]:
    """The transforms of a ``Compose``, or of a list. Raises InputError for what is neither."""
    if isinstance(told, Mapping) and name_of(told) in ("Compose", "Compos"):
        told = told.get("transforms")
    if told is None:
        return []
    if not isinstance(told, list) or not all(isinstance(t, Mapping) for t in told):
        raise InputError(f"{where}: {key} is {_short(told)}, expected a Compose of transforms")
    return [t for t in told if not t.get("_disabled_")]


def preprocessing(transforms: Iterable[Mapping[str, Any]], channels: int, where: str) -> Said:
    """What comes before the network. Raises InputError, beginning with ``where``, for what a package cannot say."""
    said = Said()
    for told in transforms:
        name = name_of(told)
        if name in NOTHING:
            continue
        step = _STEPS.get(name)
        if step is None:
            raise InputError(
                f"{where}: transform {told.get('_target_')} before the network cannot be said in a package; expected "
                f"{', '.join(sorted(_STEPS))}, or those that only load and convert"
            )
        found = expressions(
            {k: v for k, v in told.items() if k not in ("keys", "device", "allow_missing_keys")}
        )
        if found:
            raise InputError(
                f"{where}: {name} has {found[0]!r}, which is Python that is not run; write its value there"
            )
        step(said, told, channels, f"{where}: {name}")
        said.done.append(name)
    return said


def _orientation(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    if said.done and set(said.done) - {"Orientation"}:
        raise InputError(f"{where}: comes after {', '.join(said.done)}; a package turns volumes first")
    codes = told.get("axcodes")
    if told.get("as_closest_canonical"):
        codes = "RAS"
    if told.get("labels") not in (None, [["L", "R"], ["P", "A"], ["I", "S"]]) or not isinstance(codes, str):
        raise InputError(
            f"{where}: found axcodes {codes!r} and labels {told.get('labels')}, expected such as 'RAS'"
        )
    said.orientation = codes


def _spacing(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    _once(said, "Spacing", where)
    mode, order = _first(told.get("mode", "bilinear")), None
    match mode:
        case "bilinear":
            order = 1
        case "nearest":
            order = 0
        case 0 | 1 | 3:
            order = mode
    plain = not told.get("diagonal") and not told.get("scale_extent")
    padded = _first(told.get("padding_mode", "border")) in ("border", "nearest")
    if order is None or not plain or not padded or any(_first(told.get("align_corners")) for _ in (0,)):
        raise InputError(
            f"{where}: mode {mode!r}, padding {told.get('padding_mode')!r}, diagonal {told.get('diagonal')}, "
            f"scale_extent {told.get('scale_extent')}, align_corners {told.get('align_corners')} cannot be said in a "
            "package; expected mode bilinear, nearest, 1 or 3 with padding_mode border"
        )
    pixdim = told.get("pixdim")
    pixdim = [pixdim] if isinstance(pixdim, int | float) else pixdim
    if not isinstance(pixdim, list):
        raise InputError(f"{where}: pixdim is {pixdim!r}, expected mm for each axis")
    said.spacing = [float(mm) if mm and mm > 0 else 0.0 for mm in pixdim]
    said.resampling = Resampling(order=order, keep="first_voxel")  # type: ignore[arg-type]
    said.values_first = said.intensity is not None


def _crop(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    if said.intensity is not None or said.spacing is not None or said.crop is not None:
        raise InputError(f"{where}: comes after {', '.join(said.done)}; a package cuts before these")
    margin = told.get("margin", 0)
    usual = told.get("k_divisible", 1) in (1, [1], [1, 1, 1]) and not told.get("channel_indices")
    if told.get("select_fn") is not None or margin not in (0, [0], [0, 0, 0]) or not usual:
        raise InputError(
            f"{where}: select_fn, margin, k_divisible or channel_indices cannot be said in a package"
        )
    said.crop = "above_zero"


def _range(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    low, high = float(told["a_min"]), float(told["a_max"])
    if not low < high:
        raise InputError(f"{where}: a_min {low:g} and a_max {high:g}, expected the smaller first")
    bottom, top = _to(told)
    # (x - low) / (high - low) * (top - bottom) + bottom, as (x - mean) / std.
    std = (high - low) / (top - bottom)
    cut = bool(told.get("clip", False))
    one = Intensity(
        method="fixed",
        low=low if cut else None,
        high=high if cut else None,
        mean=low - bottom * std,
        std=std,
    )
    _set(said, [one] * channels, where)


def _scale(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    _by_channel(told, channels, where)
    if told.get("factor") is not None and told.get("minv", 0.0) is None:
        raise InputError(f"{where}: factor cannot be said in a package")
    bottom, top = float(told.get("minv", 0.0)), float(told.get("maxv", 1.0))
    one = Intensity(method="minmax", mean=-bottom / (top - bottom), std=1 / (top - bottom))
    _set(said, [one] * channels, where)


def _percentiles(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    _by_channel(told, channels, where)
    if told.get("relative"):
        raise InputError(f"{where}: relative cannot be said in a package")
    bottom, top = _to(told)
    one = Intensity(
        method="range",
        percentiles=(float(told["lower"]), float(told["upper"])),
        clip=bool(told.get("clip", False)),
        mean=-bottom / (top - bottom),
        std=1 / (top - bottom),
    )
    _set(said, [one] * channels, where)


def _normalise(said: Said, told: Mapping[str, Any], channels: int, where: str) -> None:
    less, by = told.get("subtrahend"), told.get("divisor")
    if (less is None) != (by is None):
        raise InputError(
            f"{where}: subtrahend without divisor, or the other way round, cannot be said in a package"
        )
    if less is not None and by is not None:
        if told.get("nonzero"):
            raise InputError(f"{where}: nonzero with subtrahend and divisor cannot be said in a package")
        means = less if isinstance(less, list) else [less] * channels
        stds = by if isinstance(by, list) else [by] * channels
        made = [
            Intensity(method="fixed", mean=float(m), std=float(s)) for m, s in zip(means, stds, strict=True)
        ]
        _set(said, made, where)
        return
    _by_channel(told, channels, where)
    one = Intensity(method="whole", inside="nonzero" if told.get("nonzero") else "all")
    _set(said, [one] * channels, where)


def _set(said: Said, made: list[Intensity], where: str) -> None:
    if said.intensity is None:
        said.intensity = made
        return
    raise InputError(f"{where}: comes after {', '.join(said.done)}; a package scales grey values once")


def _by_channel(told: Mapping[str, Any], channels: int, where: str) -> None:
    if channels > 1 and not told.get("channel_wise"):
        raise InputError(f"{where}: over all of {channels} channels together cannot be said in a package")


def _once(said: Said, name: str, where: str) -> None:
    if name in said.done:
        raise InputError(f"{where}: comes twice; a package does it once")


def _to(told: Mapping[str, Any]) -> tuple[float, float]:
    bottom, top = told.get("b_min"), told.get("b_max")
    # Without both of them MONAI scales to 0 to 1.
    return (0.0, 1.0) if bottom is None or top is None else (float(bottom), float(top))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + " ..."


_STEPS = {
    "Orientation": _orientation,
    "Spacing": _spacing,
    "CropForeground": _crop,
    "ScaleIntensityRange": _range,
    "ScaleIntensity": _scale,
    "ScaleIntensityRangePercentiles": _percentiles,
    "NormalizeIntensity": _normalise,
}
