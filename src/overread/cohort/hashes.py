"""Hashes of a cohort's files: what ties a number in a report to the pixels and masks it came from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from overread.cohort.case import Case
from overread.files import canonical_json, sha256_bytes, sha256_file
from overread.imaging.image_files import image_files


def file_hashes(cases: Sequence[Case], folder: Path) -> dict[str, str]:
    """SHA-256 of every image, mask and boxes file of ``cases`` by path, relative to ``folder`` where it lies inside.

    A DICOM series, which is a folder, counts with each of its files, and a header with the files of its voxels.
    """
    paths = sorted({p for case in cases for p in paths_of(case)})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = list(pool.map(sha256_file, paths))
    names = [p.relative_to(folder) if p.is_relative_to(folder) else p for p in paths]
    return {name.as_posix(): digest for name, digest in zip(names, hashes, strict=True)}


def files_digest(cases: Sequence[Case], folder: Path) -> str:
    """One SHA-256 over `file_hashes`."""
    return digest_of_hashes(file_hashes(cases, folder))


def digest_of_hashes(hashes: Mapping[str, str]) -> str:
    """One SHA-256 over file hashes that are known already."""
    return sha256_bytes(canonical_json(dict(hashes)).encode())


def without_truth(cases: Sequence[Case]) -> list[Case]:
    """The cases with their images alone."""
    return [replace(c, mask=None, boxes=None) for c in cases]


def content_digest(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the files of a test, whatever they are called and wherever they lie."""
    return sha256_bytes(canonical_json(sorted(hashes.values())).encode())


def content_of_test(cases: Sequence[Case], folder: Path) -> str:
    """The digest by which a test is known again: of its images, so that one with other truth is the same test."""
    return content_digest(file_hashes(without_truth(cases), folder))


def paths_of(case: Case) -> Iterator[Path]:
    """Every file of a case: of a DICOM series each, of a header also the files of its voxels."""
    for path in (*case.images.values(), *(p for p in (case.mask, case.boxes) if p)):
        yield from image_files(path)
