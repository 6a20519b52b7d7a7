"""Damaged files of every format by the thousand: each is an image or an InputError; nothing crashes, hangs or fills
memory. DICOM files are de-identified, too: each is written, withheld or refused.

Small files are damaged in many ways (bytes changed, cut, repeated or inserted; lengths, attributes, numbers of headers
and codestreams changed; sequences nested deep), each case by its own number, so that every one can be made again.
A child process reads them under a memory limit; this one watches it, and goes on after a crash or a hang.

    python benchmarks/fuzz_readers.py [--count 20000] [--case NUMBER]
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import logging
import os
import queue
import random
import re
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zipfile
import zlib
from collections import Counter
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

from overread.deidentify import Key, WithheldError, deidentify_dataset
from overread.errors import InputError
from overread.imaging.dicom.files import open_dataset
from overread.imaging.image import Image
from overread.imaging.read import read

COUNT = 20_000
HANG_SECONDS = 30
ADDRESS_SPACE = 6 << 30
LEAP = 256 << 20
"""A case that lifts the peak of resident memory by this much is reported."""
DICOM_SEEDS = (
    "MR_small.dcm",
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-lossy.dcm",
    "JPEGLSNearLossless_16.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "image_dfl.dcm",
    "rtdose.dcm",
    "rtdose_rle.dcm",
    "examples_overlay.dcm",
    "dicomdirtests/98892003/MR2/4950",
)
"""Of those that pydicom carries: every family of transfer syntaxes, dose, overlay, colour, frames."""
WEIRD: dict[str, tuple[Any, ...]] = {
    "Rows": (0, 1, 65535),
    "Columns": (0, 1, 65535),
    "NumberOfFrames": (0, -1, 2, 2**31 - 1),
    "SamplesPerPixel": (0, 2, 3, 65535),
    "BitsAllocated": (0, 1, 7, 12, 32, 64, 65535),
    "BitsStored": (0, 1, 40, 65535),
    "HighBit": (0, 3, 15, 65535),
    "PixelRepresentation": (0, 1, 7),
    "PlanarConfiguration": (0, 1, 9),
    "PhotometricInterpretation": (
        "PALETTE COLOR",
        "YBR_FULL_422",
        "YBR_PARTIAL_420",
        "MONOCHROME1",
        "RGB",
        "",
        "?",
    ),
    "RescaleSlope": ("0", "nan", "1e308", "-1e-320", "x"),
    "RescaleIntercept": ("inf", "1e308", "7.5"),
    "PixelSpacing": (["0", "0"], ["-1", "1"], ["1e300", "1e-300"], ["nan", "1"], ["1"]),
    "ImagePositionPatient": (["1e300", "0", "0"], ["nan", "0", "0"], ["0", "0"]),
    "ImageOrientationPatient": (["0"] * 6, ["1", "0", "0", "1", "0", "0"], ["nan"] * 6),
    "SliceThickness": ("0", "-3", "1e308"),
    "GridFrameOffsetVector": (["0"], ["0"] * 15, ["nan"] * 15, [str(10.0**k) for k in range(15)]),
    "DoseGridScaling": ("0", "nan", "1e308"),
    "PixelAspectRatio": (["0", "0"], ["1", "-5"]),
    "SOPClassUID": (
        "1.2.840.10008.5.1.4.1.1.66.4",
        "1.2.840.10008.5.1.4.1.1.481.2",
        "1.2.840.10008.5.1.4.1.1.20",
        "1.2.840.10008.5.1.4.1.1.77.1.6",
        "",
    ),
    "Modality": ("PT", "US", "MG", "RTDOSE", "NM", ""),
    "ModalityLUTSequence": ([], [pydicom.Dataset()]),
    "SegmentSequence": ([pydicom.Dataset()],),
    "PerFrameFunctionalGroupsSequence": ([pydicom.Dataset()], [pydicom.Dataset()] * 3),
    "SequenceOfUltrasoundRegions": ([pydicom.Dataset()],),
    "RadiopharmaceuticalInformationSequence": ([pydicom.Dataset()],),
    "TotalPixelMatrixRows": (0, 2**31 - 1),
    "TotalPixelMatrixColumns": (0, 2**31 - 1),
    "WindowCenter": ("x", "nan", ["1"] * 50),
    "SpecificCharacterSet": ("ISO 2022 IR 999", "\\\\\\"),
    "FrameTime": ("nan", "-1", "x"),
    "PatientAge": ("999Y", "x", "\0"),
}


@lru_cache(maxsize=1)
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Sound files: name (with its suffix) and content."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    found = [(f"{name.replace('/', '_')}.dcm", (folder / name).read_bytes()) for name in DICOM_SEEDS]
    return (
        *found,
        *_made_seeds(folder),
        *_nifti_seeds(),
        *_voxel_seeds(),
        *_picture_seeds(),
        _zip_seed(folder),
    )


def _made_seeds(folder: Path) -> list[tuple[str, bytes]]:
    """A segmentation of one frame and a multi-frame MR image with functional groups."""
    segmentation = pydicom.dcmread(folder / "liver_1frame.dcm")
    del segmentation.PerFrameFunctionalGroupsSequence[1:]
    image = pydicom.dcmread(folder / "MR_small.dcm")
    image.NumberOfFrames = 2
    image.PixelData = image.PixelData * 2
    shared, measures, turned = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, turned.ImageOrientationPatient = image.PixelSpacing, image.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turned]
    groups = []
    for z in (0, 3):
        group, place = pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = [0, 0, z]
        group.PlanePositionSequence = [place]
        groups.append(group)
    image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [shared], groups
    made = []
    for name, dataset in (("seg.dcm", segmentation), ("frames.dcm", image)):
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        made.append((name, buffer.getvalue()))
    return made


def _nifti_seeds() -> list[tuple[str, bytes]]:
    import nibabel

    rng = np.random.default_rng(0)
    made = []
    for name, shape, dtype in (("a.nii", (9, 8, 7), np.int16), ("b.nii.gz", (6, 5, 4, 3), np.float32)):
        image = nibabel.Nifti1Image(rng.integers(0, 99, shape).astype(dtype), np.diag([2.0, 3, 4, 1]))
        content = image.to_bytes()
        made.append((name, gzip.compress(content, mtime=0) if name.endswith("gz") else content))
    second = nibabel.Nifti2Image(rng.integers(0, 9, (5, 4, 3)).astype(np.uint8), np.eye(4))
    return [*made, ("c.nii", second.to_bytes())]


def _voxel_seeds() -> list[tuple[str, bytes]]:
    """NRRD raw, gzip and bzip2, MetaImage plain and packed, and archives of NumPy."""
    array = np.random.default_rng(1).integers(0, 99, (5, 6, 7)).astype(np.uint8)
    made = []
    for encoding, pack in (
        ("raw", bytes),
        ("gzip", partial(gzip.compress, mtime=0)),
        ("bzip2", bz2.compress),
    ):
        head = f"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 5 6 7\nencoding: {encoding}\nendian: little\n\n"
        made.append((f"{encoding}.nrrd", head.encode() + pack(array.tobytes(order="F"))))
    for name, packed, content in (
        ("plain.mha", "False", array.tobytes()),
        ("packed.mha", "True", zlib.compress(array.tobytes())),
    ):
        head = "ObjectType = Image\nNDims = 3\nDimSize = 5 6 7\nElementType = MET_UCHAR\n"
        head += f"CompressedData = {packed}\nElementDataFile = LOCAL\n"
        made.append((name, head.encode() + content))
    for name, save in (("stored.npz", np.savez), ("packed.npz", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, array=array)
        made.append((name, buffer.getvalue()))
    return made


def _picture_seeds() -> list[tuple[str, bytes]]:
    array = np.random.default_rng(2).integers(0, 255, (40, 50)).astype(np.uint8)
    made = []
    for name, kind in (("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.tif", "TIFF")):
        buffer = io.BytesIO()
        Pillow.fromarray(array).save(buffer, kind)
        made.append((name, buffer.getvalue()))
    return made


def _zip_seed(folder: Path) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.dcm"), (folder / "CT_small.dcm").read_bytes())
    return "a.zip", buffer.getvalue()


def mutate(number: int) -> tuple[str, str, bytes]:
    """Case ``number``: the name of its file, the kind of damage, and the damaged content."""
    rng = random.Random(number)
    name, content = seeds()[number % len(seeds())]
    kinds = [change_bytes, cut, repeat, insert, change_length]
    if name.endswith(".dcm"):
        kinds += [change_attributes, change_attributes, change_codestream, nest]
    elif ".nii" in name:
        kinds += [change_dimensions, change_dimensions, grow]
    elif name.endswith((".nrrd", ".mha")):
        kinds += [change_text, change_text]
    kind = rng.choice(kinds)
    return name, kind.__name__, kind(rng, content)


def change_bytes(rng: random.Random, content: bytes) -> bytes:
    """Up to 16 bytes, half of them near the beginning, where lengths and counts are."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 16)):
        end = len(data) if rng.random() < 0.5 else min(len(data), 2000)
        data[rng.randrange(end)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(data)


def cut(rng: random.Random, content: bytes) -> bytes:
    """The beginning only."""
    return content[: rng.randrange(len(content))]


def repeat(rng: random.Random, content: bytes) -> bytes:
    """A stretch twice."""
    a = rng.randrange(len(content))
    b = min(len(content), a + rng.randint(1, 4000))
    return content[:b] + content[a:]


def insert(rng: random.Random, content: bytes) -> bytes:
    """A stretch of noise in between."""
    at = rng.randrange(len(content))
    return content[:at] + rng.randbytes(rng.randint(1, 300)) + content[at:]


def change_length(rng: random.Random, content: bytes) -> bytes:
    """Some 16 or 32 bit words set to what a length should not be."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(max(1, min(len(data), 6000) - 4)) & ~1
        word = rng.choice((0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0, 1, len(data), rng.randrange(1 << 32)))
        data[at : at + 4] = struct.pack("<I", word)
    return bytes(data)


def change_attributes(rng: random.Random, content: bytes) -> bytes:
    """Up to four attributes with values that no image has, well encoded."""
    dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    for keyword in rng.sample(sorted(WEIRD), rng.randint(1, 4)):
        value = rng.choice(WEIRD[keyword])
        try:
            setattr(dataset, keyword, list(value) if isinstance(value, list) else value)
        except Exception:
            continue
    return _written(dataset) or change_bytes(rng, content)


def change_codestream(rng: random.Random, content: bytes) -> bytes:
    """Bytes of the pixel data only."""
    at = max(content.rfind(b"\xe0\x7f\x10\x00"), content.rfind(b"\x7f\xe0\x00\x10")) + 12
    data = bytearray(content)
    for _ in range(rng.randint(1, 12)):
        data[rng.randrange(at, min(len(data), at + rng.choice((60, 400, 1 << 30))))] = rng.randrange(256)
    return bytes(data)


def nest(rng: random.Random, content: bytes) -> bytes:
    """A private sequence within itself, up to some thousands deep, of defined or undefined lengths, perhaps open."""
    depth = rng.choice((3, 50, 900, 4000))
    inner = b"\x09\x00\x01\x10LO\x02\x00A "
    if rng.random() < 0.5:
        head, tail = (
            b"\x09\x00\x10\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff",
            bytes.fromhex("feff0de000000000feffdde000000000"),
        )
        closed = depth if rng.random() < 0.7 else rng.randrange(depth)
        inner = head * depth + inner + tail * closed
    else:
        for _ in range(min(depth, 900)):
            item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
            inner = b"\x09\x00\x10\x10SQ\0\0" + struct.pack("<I", len(item)) + item
    at = content.find(b"\x10\x00\x10\x00")
    return content[:at] + inner + content[at:] if at > 0 else insert(rng, content)


def change_dimensions(rng: random.Random, content: bytes) -> bytes:
    """Fields of a NIfTI-1 header: sizes, type, offset, scale, orientation."""
    packed = content[:2] == b"\x1f\x8b"
    data = bytearray(gzip.decompress(content) if packed else content)
    for _ in range(rng.randint(1, 3)):
        field = rng.choice(("dim", "datatype", "bitpix", "offset", "scale", "form", "units"))
        at, value = {
            "dim": (
                40 + 2 * rng.randrange(8),
                struct.pack("<h", rng.choice((0, -1, 1, 2, 7, 8, 300, 32767))),
            ),
            "datatype": (
                70,
                struct.pack("<h", rng.choice((0, 1, 2, 4, 16, 32, 64, 128, 512, 1024, 1536, 2304, -5))),
            ),
            "bitpix": (72, struct.pack("<h", rng.choice((0, 1, 8, 24, 64, 30000)))),
            "offset": (108, struct.pack("<f", rng.choice((0.0, 348.0, 352.5, -1.0, 1e30, float("nan"))))),
            "scale": (
                112,
                struct.pack("<2f", *(rng.choice((0.0, 1.0, 1e38, float("nan"), float("inf"))),) * 2),
            ),
            "form": (
                252 + 4 * rng.randrange(23),
                struct.pack("<f", rng.choice((0.0, 1e38, float("nan"), -7.0))),
            ),
            "units": (123, bytes([rng.randrange(256)])),
        }[field]
        data[at : at + len(value)] = value
    return gzip.compress(bytes(data), mtime=0) if packed else bytes(data)


def change_text(rng: random.Random, content: bytes) -> bytes:
    """Numbers in a header of text, set to what no size should be."""
    end = min(len(content), 200)
    found = list(re.finditer(rb"\d+", content[:end]))
    hit = rng.choice(found)
    new = rng.choice((b"0", b"-1", b"1", b"7", b"99999", b"99999999999", b"1e9", b"x", b"2147483648", b"nan"))
    return content[: hit.start()] + new + content[hit.end() :]


def grow(rng: random.Random, content: bytes) -> bytes:
    """A gzip file that unpacks to far more than its header tells, or a header that tells far more than there is."""
    data = bytearray(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    if rng.random() < 0.5:
        return gzip.compress(bytes(data) + bytes(80 << 20), 1, mtime=0)
    data[40:48] = struct.pack("<4h", 3, *(rng.choice((3000, 32767)) for _ in range(3)))
    return gzip.compress(bytes(data), mtime=0)


def _written(dataset: pydicom.Dataset) -> bytes | None:
    buffer = io.BytesIO()
    try:
        dataset.save_as(buffer, enforce_file_format=False)
    except Exception:
        return None
    return buffer.getvalue()


def run_case(number: int, folder: Path) -> tuple[str, str]:
    """Read case ``number``. Returns the kind of damage and the outcome: image, refused, or what went wrong."""
    name, kind, content = mutate(number)
    path = folder / name
    path.write_bytes(content)
    # One case in four among sound files of its series, where the quick header reader meets it.
    series = number % 4 == 0 and name.endswith(".dcm")
    if series:
        (folder / "0.dcm").write_bytes(dict(seeds())[name])
    try:
        if name.endswith(".dcm"):
            _deidentify(path)
        image = read(folder if series else path)
        return kind, _sound(image)
    except InputError as error:
        return kind, "refused" if "\n" not in str(error) else "message of several lines"
    except BaseException as error:
        return kind, f"{type(error).__name__}: {error}"[:200].replace("\n", " ")
    finally:
        for left in folder.iterdir():
            left.unlink()


def _deidentify(path: Path) -> None:
    """Anything but a result, a file withheld, or a refusal is raised."""
    try:
        deidentify_dataset(open_dataset(path, str(path)), Key(bytes(32)), name=str(path))
    except (InputError, WithheldError) as error:
        if "\n" in str(error):
            raise ValueError("message of several lines") from error


def _sound(image: Image) -> str:
    finite = np.isfinite(image.affine).all() and np.isfinite(image.array).all()
    return "image" if finite and image.array.size else "an image that is not finite"


def worker(start: int, stop: int, step: int) -> None:
    """Read cases and write one line about each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    # Decoders in C complain on the standard streams.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with tempfile.TemporaryDirectory() as name:
        for number in range(start, stop, step):
            out.write(f"start\t{number}\n")
            before, begun = _peak(), time.perf_counter()
            kind, outcome = run_case(number, Path(name))
            seconds, after = time.perf_counter() - begun, _peak()
            out.write(f"done\t{number}\t{kind}\t{outcome}\t{seconds:.4f}\t{before}\t{after}\n")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def watch(start: int, stop: int, step: int, results: list[tuple[int, str, str, float, int, int]]) -> None:
    """Run workers until all cases from ``start`` are done; a crash or a hang is a result, and the next case begins."""
    while start < stop:
        command = [sys.executable, __file__, "--worker", str(start), str(stop), str(step)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pump, args=(child, lines), daemon=True).start()
        current = start
        while True:
            try:
                line = lines.get(timeout=HANG_SECONDS)
            except queue.Empty:
                child.kill()
                results.append((current, mutate(current)[1], "hang", float(HANG_SECONDS), 0, 0))
                break
            if line is None:
                if child.wait() != 0:
                    results.append((current, mutate(current)[1], f"crash {child.returncode}", 0.0, 0, 0))
                break
            word, number, *rest = line.rstrip("\n").split("\t")
            current = int(number)
            if word == "done":
                kind, outcome, seconds, before, after = rest
                results.append((current, kind, outcome, float(seconds), int(before), int(after)))
        done = child.returncode == 0
        start = stop if done else current + step


def _pump(child: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        lines.put(line)
    lines.put(None)


def main() -> None:
    """Run all cases and print the tables; exit code 1 where one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--case", type=int)
    parser.add_argument("--worker", type=int, nargs=3)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(*arguments.worker)
    if arguments.case is not None:
        with tempfile.TemporaryDirectory() as name:
            print(*mutate(arguments.case)[:2], run_case(arguments.case, Path(name)))
        return None
    lanes = min(2, os.cpu_count() or 1)
    results: list[tuple[int, str, str, float, int, int]] = []
    begun = time.perf_counter()
    threads = [
        threading.Thread(target=watch, args=(k, arguments.count, lanes, results)) for k in range(lanes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _report(results, time.perf_counter() - begun)
    wrong = [r for r in results if r[2] not in ("image", "refused")]
    sys.exit(1 if wrong or len(results) != arguments.count else 0)


def _report(results: list[tuple[int, str, str, float, int, int]], seconds: float) -> None:
    console = Console()
    table = Table("damage", "cases", "image", "refused", "wrong", "slowest, s", title="Damaged files")
    for kind in sorted({r[1] for r in results}):
        of = [r for r in results if r[1] == kind]
        count = Counter(r[2] for r in of)
        wrong = len(of) - count["image"] - count["refused"]
        slowest = max(r[3] for r in of)
        table.add_row(kind, *map(str, (len(of), count["image"], count["refused"], wrong)), f"{slowest:.2f}")
    console.print(table)
    for number, kind, outcome, *_ in sorted(r for r in results if r[2] not in ("image", "refused"))[:50]:
        console.print(f"case {number}, {kind}: {outcome}", markup=False)
    for number, kind, _, _, before, after in sorted(r for r in results if r[5] - r[4] > LEAP)[:20]:
        console.print(
            f"case {number}, {kind}: peak memory from {before >> 20} to {after >> 20} MiB", markup=False
        )
    peak, slowest = max(r[5] for r in results), max(results, key=lambda r: r[3])
    console.print(
        f"{len(results)} files in {seconds:.0f} s; slowest {slowest[3]:.2f} s (case {slowest[0]}); "
        f"peak resident memory {peak >> 20} MiB"
    )


if __name__ == "__main__":
    main()
