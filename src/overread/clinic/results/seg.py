"""SEG: the mask on the frames of the images that it was found in (PS3.3 A.51)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results.codes import ARTIFICIAL_INTELLIGENCE, LabelCodes, plain, segment_codes
from overread.clinic.results.frames import frames_of, in_source_order
from overread.clinic.results.names import PLACES, SegmentationKind
from overread.clinic.results.planes import planes_of
from overread.clinic.results.source import Run, equipment, finish, local_time
from overread.clinic.results.stand_in import name_sources, stand_ins
from overread.clinic.results.uids import derived_uid
from overread.errors import InputError
from overread.runtime.package import Package

TYPES: dict[SegmentationKind, SegmentationTypeValues] = {
    "binary": SegmentationTypeValues.BINARY,
    "fractional": SegmentationTypeValues.FRACTIONAL,
    "labelmap": SegmentationTypeValues.LABELMAP,
}


def make_seg(
    mask: NDArray[np.uint8],
    package: Package,
    files: Sequence[Path],
    headers: Sequence[Dataset],
    run: Run,
    codes: LabelCodes | None = None,
    *,
    kind: SegmentationKind = "binary",
    probabilities: Mapping[str, NDArray[np.uint8]] | None = None,
) -> Segmentation:
    """Segmentation with one segment for each label but the first.

    Parameters
    ----------
    mask
        Label map on the grid of the images: ``(column, row, slice)``, or ``(row, column)`` for one plane.
        At least one voxel is not 0: a segmentation without a frame does not exist.
    files, headers
        The source series in slice order, as files and as data sets without pixel data.
    codes
        Category and type by label, where they are not to be guessed from the label's name.

    kind
        One bit a voxel and segment; probabilities; or, for many labels, one label map (PS3.3 A.51, Supplement 243).
    probabilities
        For ``fractional``: by label, probability times 255 on the mask's grid.

    Raises
    ------
    InputError
        No probabilities of some label for a fractional one; the images have another number of planes than the
        mask, or several without a place in the patient.
    """
    manifest = package.manifest
    if not mask.any():
        raise ValueError("the mask is empty: there is nothing to make a SEG of")
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=plain(manifest.name, 64),
        family=ARTIFICIAL_INTELLIGENCE,
        version=plain(manifest.version, 64),
        source="overread",
        parameters={"package_sha256": package.sha256},
    )
    described = []
    for number, label in enumerate(manifest.labels[1:], 1):
        category, what = segment_codes(label, (codes or {}).get(label))
        described.append(
            SegmentDescription(
                segment_number=number,
                segment_label=plain(label, 64),
                segmented_property_category=category,
                segmented_property_type=what,
                algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
                algorithm_identification=algorithm,
                tracking_uid=tracking_uid(run, label),
                tracking_id=tracking_id(package, label),
            )
        )
    planes = planes_of(headers)
    when = local_time(run.time, headers[0])
    result = Segmentation(
        source_images=stand_ins(headers, planes),
        pixel_array=in_source_order(
            _pixels(mask, manifest.labels, kind, probabilities or {}), planes, headers[0]
        ),
        segmentation_type=TYPES[kind],
        segment_descriptions=described,
        series_instance_uid=derived_uid(run.key, "SEG series"),
        series_number=PLACES["seg"].series_number,
        sop_instance_uid=seg_uid(run),
        instance_number=1,
        content_description=plain(f"{manifest.name} {manifest.version}, automatic", 64),
        content_label="AI_SEGMENTATION",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **equipment(package, run),
    )
    name_sources(result, headers)
    if "FrameOfReferenceUID" not in result and "PatientOrientation" not in result:
        # Type 2C: required, perhaps empty, where no plane orientation is given (PS3.3 C.7.6.1).
        result.PatientOrientation = headers[0].get("PatientOrientation", "")
    # highdicom draws this UID by chance; a repeated run must give the same object.
    organization = derived_uid(run.key, "dimension organization")
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    finish(result, files[0], run, headers)
    return result


def _pixels(
    mask: NDArray[np.uint8],
    labels: Sequence[str],
    kind: SegmentationKind,
    probabilities: Mapping[str, NDArray[np.uint8]],
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """``(frame, row, column)`` labels, or ``(frame, row, column, segment)`` probabilities from 0 to 1."""
    if kind != "fractional":
        return frames_of(mask)
    missing = [label for label in labels[1:] if label not in probabilities]
    if missing:
        raise InputError(
            f"no probabilities of {missing[0]} were kept with this result, which a fractional SEG is made of; analyse "
            "the study again, or choose results.segmentation binary or labelmap"
        )
    segments = [frames_of(probabilities[label]).astype(np.float32) / np.float32(255) for label in labels[1:]]
    return np.stack(segments, axis=-1)


def seg_uid(run: Run) -> str:
    """SOP Instance UID of the run's SEG."""
    return derived_uid(run.key, "SEG")


def tracking_uid(run: Run, label: str) -> str:
    """Tracking UID of a label, alike in SEG and SR."""
    return derived_uid(run.key, "tracking", label)


def tracking_id(package: Package, label: str) -> str:
    """Tracking ID of a label, alike in SEG and SR."""
    return plain(f"{package.manifest.name} {label}", 64)
