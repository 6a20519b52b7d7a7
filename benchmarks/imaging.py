"""Reading and resampling: ours beside the usual libraries, seconds and peak memory, in one run.

Every job runs in a process of its own: once to warm up, then REPEATS times, of which the fastest counts; the processes
of one table are run in turn, ROUNDS times. Wall-clock seconds. Memory: the process's largest resident set, and in
brackets how much of it came on top of the imports. Real series and volumes from OVERREAD_DATA where they are at hand.

The head CT has uneven slices. overread resamples them onto even ones, the other readers stack them as they are; hence
a row that does both with SimpleITK, and the column of shapes. MONAI's ITK reader is measured where `itk` is there.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

ROUNDS = 3
REPEATS = 3
OLD, NEW = 128, 160
MNI = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def dicom_overread(path: Path) -> Callable[[], Any]:
    from overread.imaging.read import read

    return lambda: read(path).array


def dicom_simpleitk(path: Path) -> Callable[[], Any]:
    import SimpleITK as Sitk

    def job() -> Any:
        reader = Sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
        return Sitk.GetArrayFromImage(reader.Execute())

    Sitk.ProcessObject.SetGlobalWarningDisplay(False)
    return job


def dicom_simpleitk_even(path: Path) -> Callable[[], Any]:
    """As overread: unevenly spaced slices, which SimpleITK stacks as if they were even, brought onto even ones."""
    import SimpleITK as Sitk

    def job() -> Any:
        reader = Sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
        reader.MetaDataDictionaryArrayUpdateOn()
        array = Sitk.GetArrayFromImage(reader.Execute())
        lps = np.array(
            [[float(x) for x in reader.GetMetaData(k, "0020|0032").split("\\")] for k in range(len(array))]
        )
        along = np.linalg.norm(lps - lps[0], axis=1)
        if np.abs(along - np.linspace(0, along[-1], len(along))).max() < 0.05:
            return array
        count = round(along[-1] / np.diff(along).min()) + 1
        at = np.interp(np.linspace(0, along[-1], count), along, np.arange(len(along)))
        low = np.minimum(at.astype(int), len(array) - 2)
        even = np.empty((count, *array.shape[1:]), np.float32)
        for k, (n, weight) in enumerate(zip(low, (at - low).astype(np.float32), strict=True)):
            np.multiply(array[n], 1 - weight, out=even[k])
            even[k] += array[n + 1] * weight
        return even

    Sitk.ProcessObject.SetGlobalWarningDisplay(False)
    return job


def dicom_monai_itk(path: Path) -> Callable[[], Any]:
    from monai.transforms import LoadImage

    load = LoadImage(reader="ITKReader", image_only=True)
    return lambda: load(str(path))


def dicom_monai(path: Path) -> Callable[[], Any]:
    from monai.transforms import LoadImage

    load = LoadImage(reader="PydicomReader", image_only=True)
    return lambda: load(str(path))


def dicom_pydicom(path: Path) -> Callable[[], Any]:
    import pydicom

    def job() -> Any:
        slices = [pydicom.dcmread(f) for f in path.iterdir()]
        slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
        return np.stack(
            [
                s.pixel_array * float(s.get("RescaleSlope", 1)) + float(s.get("RescaleIntercept", 0))
                for s in slices
            ]
        )

    return job


def nifti_overread(path: Path) -> Callable[[], Any]:
    from overread.imaging.read import read

    return lambda: read(path).array


def nifti_nibabel(path: Path) -> Callable[[], Any]:
    import nibabel

    # A copy: of a plain file nibabel only maps the bytes and has read nothing yet.
    return lambda: np.asarray(nibabel.load(path).dataobj).copy()


def nifti_simpleitk(path: Path) -> Callable[[], Any]:
    import SimpleITK as Sitk

    return lambda: Sitk.GetArrayFromImage(Sitk.ReadImage(path))


def volume() -> np.ndarray:
    return np.random.default_rng(0).random((OLD,) * 3, dtype=np.float32)


def cubic_overread(path: Path) -> Callable[[], Any]:
    from overread.imaging.grid.zoom import resize_array

    array = volume()[None]
    return lambda: resize_array(array, (NEW,) * 3, order=3)[0]


def cubic_scipy(path: Path) -> Callable[[], Any]:
    from scipy import ndimage

    array = volume()
    return lambda: ndimage.zoom(array, NEW / OLD, order=3, mode="nearest", grid_mode=True)


def cubic_scikit_image(path: Path) -> Callable[[], Any]:
    from skimage.transform import resize

    array = volume()
    return lambda: resize(array, (NEW,) * 3, order=3, mode="edge", anti_aliasing=False)


JOBS = {
    "DICOM": {
        "overread": dicom_overread,
        "SimpleITK": dicom_simpleitk,
        "SimpleITK, then even slices": dicom_simpleitk_even,
        "MONAI (ITK)": dicom_monai_itk,
        "MONAI (pydicom)": dicom_monai,
        "pydicom": dicom_pydicom,
    },
    "NIfTI": {"overread": nifti_overread, "nibabel": nifti_nibabel, "SimpleITK": nifti_simpleitk},
    "cubic": {"overread": cubic_overread, "scipy": cubic_scipy, "scikit-image": cubic_scikit_image},
}


def main() -> None:
    """Print one table per job."""
    if len(sys.argv) == 4:
        print(json.dumps(measured(JOBS[sys.argv[1]][sys.argv[2]], Path(sys.argv[3]))))
        return
    data = Path(os.environ.get("OVERREAD_DATA", Path(__file__).parents[2] / "shared" / "data"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for archive in sorted(data.glob("dicom_*_*/*.zip")):
            with zipfile.ZipFile(archive) as z:
                z.extractall(folder / archive.stem)
            series = max(
                (folder / archive.stem).rglob("*"), key=lambda f: len(list(f.parent.iterdir()))
            ).parent
            table("DICOM", series, f"DICOM series to volume: {archive.stem}")
        for source in volumes(data):
            table("NIfTI", source, f"NIfTI, gzip: {source.name}")
            plain = folder / source.name.removesuffix(".gz")
            plain.write_bytes(gzip.decompress(source.read_bytes()))
            table("NIfTI", plain, f"NIfTI, plain: {plain.name}")
    table("cubic", Path(), f"cubic resampling {OLD}^3 to {NEW}^3, float32")
    ours, theirs = cubic_overread(Path())(), cubic_scipy(Path())()
    Console().print(f"largest difference from scipy: {np.abs(ours - theirs).max():.1e} (values from 0 to 1)")


def volumes(data: Path) -> list[Path]:
    """A CT and the 1 mm head template that nilearn carries."""
    found = [data / "ct_spleen_and_spine_nifti" / "sub-spleen2_ct.nii.gz"]
    nilearn = find_spec("nilearn")
    if nilearn is not None and nilearn.origin is not None:
        found.append(Path(nilearn.origin).parent / "datasets" / "data" / MNI)
    return [f for f in found if f.is_file()]


def measured(make: Callable[[Path], Callable[[], Any]], path: Path) -> dict[str, Any]:
    """Fastest of the repetitions in this process, s, its peak memory, MiB, and the shape of what came out."""
    job = make(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shape = [n for n in np.shape(job()) if n > 1]
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(seconds), "peak": peak / 1024, "grown": (peak - before) / 1024, "shape": shape}


def table(kind: str, path: Path, title: str) -> None:
    """Run the jobs of one kind in turn and print how many times faster the first is than each other."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in JOBS[kind]}
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        for name in JOBS[kind]:
            if name in failed:
                continue
            done = subprocess.run(
                [sys.executable, __file__, kind, name, str(path)], capture_output=True, text=True
            )
            if done.returncode:
                failed[name] = (done.stderr.strip().splitlines() or ["failed"])[-1][:100]
            else:
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    best = {name: min(r["seconds"] for r in found) for name, found in runs.items() if found}
    ours = best.get("overread")
    shown = Table(title, "gives", "ms", "overread is", "peak MiB (beyond imports)")
    for name, found in runs.items():
        if name in failed:
            shown.add_row(name, "", "", "", failed[name])
            continue
        ratio = "" if name == "overread" or ours is None else f"{best[name] / ours:.1f} times faster"
        peak, grown = (min(r[key] for r in found) for key in ("peak", "grown"))
        gives = " x ".join(map(str, sorted(found[0]["shape"], reverse=True)))
        shown.add_row(name, gives, f"{best[name] * 1000:.1f}", ratio, f"{peak:.0f} ({grown:.0f})")
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
