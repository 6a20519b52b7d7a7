"""Text burned into a picture, found and read by two small networks, without any connection.

The networks (PP-OCRv4, Apache-2.0) come with the package rapidocr-onnxruntime, which is not imported: its model files
are run by ONNX Runtime here, so that neither OpenCV nor its other needs are used. `pip install "overread[ocr]"` brings
it.

Source: Y. Du et al., PP-OCR (arXiv:2009.09941): detection by differentiable binarisation, recognition by CTC.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.ndimage import find_objects, label, mean

PACKAGE = "rapidocr_onnxruntime"
DETECTION, RECOGNITION = "ch_PP-OCRv4_det_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx"
SIDES = (640, 1024)
"""Longest side of the picture, in the two sizes that it is looked at."""
LIKELY, SURE = 0.3, 0.75
"""Least probability of a pixel to be of text, and mean one of the letters that were read."""
LETTERS = 3
"""Letters and digits from which a reading counts: single marks of side are none."""
SMALLEST = 3
HEIGHT, WIDEST = 48, 2400
GROWN = 1.6
"""Regions are trained shrunken: each is grown by area times this over circumference."""


class Reading(NamedTuple):
    """A line of text: its box in pixels (``bottom`` and ``right`` are outside), and what it says."""

    top: int
    left: int
    bottom: int
    right: int
    text: str


def is_installed() -> bool:
    """Whether the networks are there."""
    return _folder() is not None


def read_text(plane: NDArray[Any]) -> list[Reading]:
    """Lines of text of three letters or more in ``(rows, columns)``, read with a mean probability above 0.75.

    The picture is stretched to its contrast, and looked at in two sizes, as it is and inverted: thin or dark letters
    are found in one of them.
    """
    values = np.nan_to_num(plane.astype(np.float32))
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    high = max(high, float(values.max()) if high <= low else high)
    if high <= low:
        return []
    stretched = (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    found: list[Reading] = []
    for picture in (stretched, 255 - stretched):
        for side in SIDES:
            for box in _regions(picture, side):
                if any(_overlap(box, r) > 0.5 for r in found):
                    continue
                text, sure = _read(picture, box)
                if sure > SURE and sum(c.isalnum() for c in text) >= LETTERS:
                    found.append(Reading(*box, text))
    return found


def _regions(picture: NDArray[np.uint8], side: int) -> list[tuple[int, int, int, int]]:
    """Boxes of what may be text: top, left, bottom, right."""
    rows, columns = picture.shape
    scale = side / max(rows, columns)
    size = [max(32, round(n * scale / 32) * 32) for n in (columns, rows)]
    small = np.asarray(Pillow.fromarray(picture).resize((size[0], size[1]), Pillow.Resampling.BILINEAR))
    (output,) = _session(DETECTION).run(None, {_input(DETECTION): _normal(small)})
    likely = output[0, 0]
    parts, count = label(likely > LIKELY, np.ones((3, 3)))
    boxes = []
    sure: NDArray[Any] = np.atleast_1d(mean(likely, parts, np.arange(1, count + 1)))
    for place, p in zip(find_objects(parts), sure, strict=True):
        top, bottom, left, right = place[0].start, place[0].stop, place[1].start, place[1].stop
        height, width = bottom - top, right - left
        if min(height, width) < SMALLEST or p < 0.5:
            continue
        grown = height * width * GROWN / (2 * (height + width))
        y, x = rows / likely.shape[0], columns / likely.shape[1]
        boxes.append(
            (
                max(0, int((top - grown) * y)),
                max(0, int((left - grown) * x)),
                min(rows, round((bottom + grown) * y)),
                min(columns, round((right + grown) * x)),
            )
        )
    return boxes


def _read(picture: NDArray[np.uint8], box: tuple[int, int, int, int]) -> tuple[str, float]:
    top, left, bottom, right = box
    height, width = bottom - top, right - left
    wide = min(WIDEST, max(HEIGHT, round(HEIGHT * width / height)))
    line = Pillow.fromarray(picture[top:bottom, left:right]).resize(
        (wide, HEIGHT), Pillow.Resampling.BILINEAR
    )
    (output,) = _session(RECOGNITION).run(None, {_input(RECOGNITION): _normal(np.asarray(line))})
    best = output[0].argmax(axis=1)
    # CTC: repeated symbols count once, and 0 is none.
    new = (best != 0) & np.r_[True, best[1:] != best[:-1]]
    characters = _characters()
    text = "".join(characters[k] for k in best[new])
    return text, float(output[0].max(axis=1)[new].mean()) if new.any() else 0.0


def _normal(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = picture.astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(np.broadcast_to(values, (1, 3, *values.shape)))


def _overlap(box: tuple[int, int, int, int], other: Reading) -> float:
    """Share of the smaller box that lies in the other."""
    height = min(box[2], other.bottom) - max(box[0], other.top)
    width = min(box[3], other.right) - max(box[1], other.left)
    areas = ((b - t) * (r - w) for t, w, b, r in (box, other[:4]))
    return max(0, height) * max(0, width) / max(1, min(areas))


@cache
def _folder() -> Path | None:
    try:
        found = find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    places = list(found.submodule_search_locations or ()) if found else []
    folder = Path(places[0]) / "models" if places else None
    whole = folder is not None and all((folder / n).is_file() for n in (DETECTION, RECOGNITION))
    return folder if whole else None


@cache
def _session(name: str) -> Any:
    import onnxruntime

    folder = _folder()
    assert folder is not None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Many files are read one after the other, often beside other work: threads that wait spinning help nobody.
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])


@cache
def _input(name: str) -> str:
    return str(_session(name).get_inputs()[0].name)


@cache
def _characters() -> list[str]:
    """No symbol, those of the network's own list, and the space."""
    listed = _session(RECOGNITION).get_modelmeta().custom_metadata_map["character"]
    return ["", *listed.splitlines(), " "]
