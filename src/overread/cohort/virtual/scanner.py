"""The virtual scanners: contrast, bias field, resolution, noise and the scale of grey values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.cohort.virtual.anatomy import SHAPE, Anatomy, Array, smooth_field
from overread.cohort.virtual.lesions import Lesions


@dataclass(frozen=True)
class Scanner:
    """One make of scanner.

    ``grey``: stored value of white matter on T1 and FLAIR; ``contrast``: factor on the difference of tissues;
    ``bias``: standard deviation of the log bias field; ``blur``: in-plane standard deviation of the point
    spread, voxels; ``noise``: standard deviation relative to white matter.
    """

    name: str
    tesla: float
    grey: tuple[float, float]
    contrast: float
    bias: float
    blur: float
    noise: float


SCANNERS = (
    Scanner("A", 3.0, (820.0, 410.0), 1.00, 0.040, 0.30, 0.030),
    Scanner("B", 1.5, (260.0, 190.0), 0.88, 0.028, 0.48, 0.045),
    Scanner("C", 3.0, (1900.0, 1300.0), 1.08, 0.052, 0.38, 0.040),
)
SITES = ("North", "South", "East")
# Which scanners stand at which site: shared ones, so that site and scanner are not the same thing.
STANDS = {"North": (0, 2), "South": (1,), "East": (0, 1, 2)}

# Relative to white matter at 1.
T1 = {"gm": 0.70, "csf": 0.24, "bone": 0.07, "marrow": 0.62, "fat": 1.20, "muscle": 0.48, "lesion": 0.66}
FLAIR = {"gm": 1.24, "csf": 0.20, "bone": 0.10, "marrow": 0.70, "fat": 1.14, "muscle": 0.50, "lesion": 1.82}


def render(
    rng: np.random.Generator, patient: Anatomy, lesions: Lesions, scanner: Scanner, age: float
) -> dict[str, NDArray[np.int16]]:
    """T1 and FLAIR of one patient on one scanner, ``SHAPE`` int16."""
    layers = _layers(rng, patient)
    caps = _caps(rng, patient, age)
    seen = lesions.fraction * lesions.strength
    # Some lesions leave no trace on T1, others are as dark as CSF.
    dark = np.clip(0.55 + 0.35 * smooth_field(rng, (7, 8, 6), SHAPE), 0.1, 1.3)
    texture = 0.03 * smooth_field(rng, (16, 18, 14), SHAPE)
    dirty = 0.06 * np.clip(smooth_field(rng, (6, 7, 5), SHAPE), -1, 2) * patient.wm
    # CSF that moves escapes the inversion: bright streaks in ventricles and cisterns, which are no lesions.
    flow = patient.csf * np.clip(smooth_field(rng, (12, 14, 10), SHAPE) - 1.5, 0, 0.7)
    images = {}
    for name, values, grey in (("T1", T1, scanner.grey[0]), ("FLAIR", FLAIR, scanner.grey[1])):
        tissue = {
            k: 1 + (v - 1) * scanner.contrast if k in ("gm", "csf", "lesion") else v
            for k, v in values.items()
        }
        tissue["csf"] = max(tissue["csf"], 0.08)
        signal = patient.gm * tissue["gm"] + patient.wm + patient.csf * tissue["csf"]
        for layer, part in layers.items():
            signal = signal * (1 - part) + tissue[layer] * part
        signal += texture * (patient.gm + patient.wm)
        if name == "FLAIR":
            signal += dirty + caps * (tissue["lesion"] - 1)
            signal += flow * (1.3 - tissue["csf"])
            signal = signal + seen * np.clip(tissue["lesion"] - signal, 0, None)
        else:
            signal = signal + seen * dark * (tissue["lesion"] - signal)
        images[name] = _acquire(rng, signal.astype(np.float32), scanner, grey)
    return images


def _layers(rng: np.random.Generator, patient: Anatomy) -> dict[str, Array]:
    """Fractions of the layers around the brain, by distance from it; later ones cover earlier ones."""
    d = patient.outside + 0.5 * smooth_field(rng, (6, 7, 5), SHAPE)
    fluid = float(rng.uniform(2.0, 3.2))
    bone = fluid + float(rng.uniform(6.0, 7.5))
    skin = bone + float(rng.uniform(4.0, 6.0))

    def beyond(edge: float) -> Array:
        return np.clip((d - edge) / 1.6 + 0.5, 0, 1).astype(np.float32)

    head = 1 - beyond(skin)
    flesh = np.clip(patient.neck * beyond(bone), 0, 1)
    mixed = np.clip(0.35 + 0.6 * smooth_field(rng, (14, 16, 12), SHAPE), 0, 1)
    return {
        "csf": beyond(0.8) * (1 - beyond(fluid)),
        "bone": beyond(fluid),
        "marrow": 0.8 * beyond(fluid + 2.2) * (1 - beyond(bone - 1.8)),
        "fat": np.maximum(beyond(bone) * head, flesh * mixed),
        "muscle": flesh * (1 - mixed),
    }


def _caps(rng: np.random.Generator, patient: Anatomy, age: float) -> Array:
    """FLAIR-bright lining and caps of the ventricles: normal ageing, not counted as lesion."""
    rim = np.exp(-(((patient.ventricle - 1.5) / 2.0) ** 2)) * (patient.csf < 0.5)
    where = np.clip(0.5 + 0.5 * smooth_field(rng, (5, 6, 5), SHAPE), 0, 1.2)
    amount = float(np.clip(0.20 + 0.30 * (age - 20) / 70 + rng.normal(0, 0.08), 0.05, 0.65))
    return (amount * rim * where * patient.wm).astype(np.float32)


def _acquire(rng: np.random.Generator, signal: Array, scanner: Scanner, grey: float) -> NDArray[np.int16]:
    """Point spread, coil sensitivity, Rician noise (Gudbjartsson and Patz 1995), and the scanner's scale."""
    field = np.exp(scanner.bias * smooth_field(rng, (3, 4, 3), SHAPE))
    clean = ndimage.gaussian_filter(signal, (scanner.blur, scanner.blur, scanner.blur * 0.6)) * field
    real, imaginary = scanner.noise * rng.standard_normal((2, *SHAPE), dtype=np.float32)
    gain = grey * float(np.exp(rng.normal(0, 0.08)))
    return np.clip(np.rint(gain * np.hypot(clean + real, imaginary)), 0, 32767).astype(np.int16)
