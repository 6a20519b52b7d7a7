"""CAD SR of mammography (TID 4000) and chest (TID 4100): objects found, for readers that know only these.

Source: PS3.16 TID 4000 to 4021 and 4100 to 4107, PS3.3 A.35.5 and A.35.6. A detection that was not attempted, that
failed and that succeeded without findings are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr.coding import Code
from pydicom.dataset import Dataset
from pydicom.uid import UID

from overread.clinic.results import cad_codes, codes
from overread.clinic.results.cad_library import image_entry
from overread.clinic.results.codes import plain
from overread.clinic.results.content_items import (
    code_item,
    container,
    node,
    number_item,
    points_item,
    reference,
    text_item,
)
from overread.clinic.results.evidence import evidence_of
from overread.clinic.results.groups.objects import rectangle, slices_of
from overread.clinic.results.material import Material
from overread.clinic.results.new_object import new_object
from overread.clinic.results.outcome import outcome_code
from overread.clinic.results.planes import ImagePlane, planes_of
from overread.clinic.results.seg import tracking_id, tracking_uid
from overread.clinic.results.source import finish
from overread.errors import InputError
from overread.runtime.answer import Objects
from overread.task import TASKS

IMAGE_LIBRARY = 1, 2
"""Place of the image library: second child of the root."""


@dataclass(frozen=True)
class Kind:
    """One of the CAD SR objects: its class, root title and template, and the modalities it is for."""

    sop_class: UID
    title: Code
    template: str
    mammography: bool


MAMMOGRAPHY = Kind(UID("1.2.840.10008.5.1.4.1.1.88.50"), cad_codes.MAMMOGRAPHY_CAD, "4000", True)
CHEST = Kind(UID("1.2.840.10008.5.1.4.1.1.88.65"), cad_codes.CHEST_CAD, "4100", False)
# CID 6014 and CID 6101: what a finding may be called; anything else is a selected region.
MAMMOGRAPHY_FINDINGS = {
    "mass": Code("4147007", "SCT", "Mass"),
    "calcification cluster": Code("129769006", "SCT", "Calcification cluster"),
    "architectural distortion": Code("129792004", "SCT", "Architectural distortion of breast"),
}
CHEST_FINDINGS = {
    "nodule": Code("27925004", "SCT", "Nodule"),
    "opacity": Code("112102", "DCM", "Abnormal opacity"),
    "lucency": Code("112114", "DCM", "Abnormal lucency"),
}


def kind_of(headers: Sequence[Dataset]) -> Kind | None:
    """Mammography by Modality; chest by Modality and Body Part Examined; none for all else."""
    modality = str(headers[0].get("Modality", "") or "")
    part = str(headers[0].get("BodyPartExamined", "") or "").upper()
    if modality == "MG":
        return MAMMOGRAPHY
    return CHEST if modality in ("CR", "DX", "CT") and "CHEST" in part else None


def make_cad(material: Material) -> Dataset | None:
    """The CAD report of a package that boxes objects; None for other packages, modalities and body parts.

    Raises InputError where the boxes lie on another grid than the images.
    """
    kind = kind_of(material.first_headers)
    if kind is None or TASKS[material.package.manifest.task].answer != "objects":
        return None
    answer = material.answer if isinstance(material.answer, Objects) else None
    headers = list(material.first_headers)
    findings = [] if answer is None else _findings(answer, kind, material)
    status = outcome_code(material.result)
    root = new_object(material, "cad", kind.sop_class, modality="SR")
    root.update(node("CONTAINER", "", kind.title))
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", kind.template
    root.ContentTemplateSequence = [template]
    root.CompletionFlag = "PARTIAL" if status == codes.FAILED else "COMPLETE"
    root.VerificationFlag, root.PreliminaryFlag = "UNVERIFIED", "PRELIMINARY"
    root.ReferencedPerformedProcedureStepSequence, root.PerformedProcedureCodeSequence = [], []
    root.CurrentRequestedProcedureEvidenceSequence = evidence_of(headers)
    root.ContentSequence = [
        code_item(
            "HAS CONCEPT MOD",
            cad_codes.LANGUAGE,
            cad_codes.ENGLISH,
            [code_item("HAS CONCEPT MOD", cad_codes.COUNTRY, cad_codes.US)],
        ),
        container(
            "CONTAINS",
            cad_codes.IMAGE_LIBRARY,
            [image_entry(h, mammography=kind.mammography) for h in headers],
        ),
        code_item("CONTAINS", cad_codes.CAD_SUMMARY, _summary(status, bool(findings)), findings),
        code_item("CONTAINS", cad_codes.SUMMARY_OF_DETECTIONS, status, _performed(status, kind, material)),
        code_item("CONTAINS", codes.SUMMARY, codes.NOT_ATTEMPTED),
    ]
    finish(root, material.files[0], material.run, material.headers)
    return root


def _summary(status: Code, found: bool) -> Code:
    """CID 6047."""
    if status != codes.SUCCEEDED:
        return cad_codes.NONE_SUCCEEDED
    return cad_codes.ALL_WITH_FINDINGS if found else cad_codes.ALL_WITHOUT_FINDINGS


def _performed(status: Code, kind: Kind, material: Material) -> list[Dataset]:
    """TID 4015: which detections ran, with the algorithm and the images that it saw."""
    if status == codes.NOT_ATTEMPTED:
        return []
    name = cad_codes.SUCCESSFUL_DETECTIONS if status == codes.SUCCEEDED else cad_codes.FAILED_DETECTIONS
    seen = [
        reference("HAS PROPERTIES", (*IMAGE_LIBRARY, n)) for n in range(1, len(material.first_headers) + 1)
    ]
    detections = dict.fromkeys(_name(label, kind) for label in material.package.manifest.labels)
    return [
        container(
            "INFERRED FROM",
            name,
            [
                code_item("CONTAINS", cad_codes.DETECTION_PERFORMED, what, [*_algorithm(material), *seen])
                for what in detections
            ],
        )
    ]


def _findings(answer: Objects, kind: Kind, material: Material) -> list[Dataset]:
    """Each object as a finding of the image that holds its middle (TID 4006, TID 4104)."""
    planes = planes_of(material.first_headers)
    spatial = material.spatial
    if len(planes) != (spatial[2] if answer.boxes.axes == 3 else 1):
        raise InputError(
            f"series {planes[0].header.SeriesInstanceUID}: the boxes lie on another grid than its "
            f"{len(planes)} planes; a CAD report cannot refer to them"
        )
    found = [_finding(answer, n, planes, kind, material) for n in range(len(answer.boxes))]
    if not kind.mammography:
        return found
    # TID 4003: one individual impression a finding; a chest report holds its findings without one.
    for item in found:
        item.RelationshipType = "CONTAINS"
    return [container("INFERRED FROM", cad_codes.IMPRESSION, [_intent(), item]) for item in found]


def _finding(
    answer: Objects, n: int, planes: Sequence[ImagePlane], kind: Kind, material: Material
) -> Dataset:
    label = answer.labels[int(answer.boxes.labels[n])]
    low, high = answer.boxes.low[n], answer.boxes.high[n]
    if answer.boxes.axes == 2:
        index, corners = 0, rectangle(low[::-1], high[::-1])
    else:
        held = slices_of(low[2], high[2], len(planes))
        index, corners = held[len(held) // 2], rectangle(low[:2], high[:2])
    header = planes[index].header
    corners = np.clip(corners, 0, [int(header.Columns), int(header.Rows)])
    uids = [str(h.SOPInstanceUID) for h in material.first_headers]
    entry = (*IMAGE_LIBRARY, uids.index(str(header.SOPInstanceUID)) + 1)
    tracked = f"\0object {n + 1}"
    identifier = node("UIDREF", "HAS OBS CONTEXT", cad_codes.TRACKING_UID)
    identifier.UID = tracking_uid(material.run, tracked)
    return code_item(
        "INFERRED FROM",
        cad_codes.SINGLE_IMAGE_FINDING,
        _name(label, kind),
        [
            _intent(),
            text_item(
                "HAS OBS CONTEXT", cad_codes.TRACKING_ID, tracking_id(material.package, f"{label} {n + 1}")
            ),
            identifier,
            *_algorithm(material),
            number_item(
                "HAS PROPERTIES", cad_codes.CERTAINTY, 100 * float(answer.boxes.scores[n]), cad_codes.PERCENT
            ),
            points_item(
                "HAS PROPERTIES",
                cad_codes.CENTER,
                "POINT",
                (corners[0] + corners[2])[None] / 2,
                [reference("SELECTED FROM", entry)],
            ),
            points_item(
                "HAS PROPERTIES", cad_codes.OUTLINE, "POLYLINE", corners, [reference("SELECTED FROM", entry)]
            ),
        ],
    )


def _intent() -> Dataset:
    return code_item("HAS CONCEPT MOD", cad_codes.RENDERING_INTENT, cad_codes.PRESENTATION_REQUIRED)


def _algorithm(material: Material) -> list[Dataset]:
    """TID 4019."""
    manifest = material.package.manifest
    parameters = [
        f"threshold {point.threshold:.6g} on the score of {label}, rule: {point.rule}"
        for label, point in manifest.operating_points.items()
    ]
    return [
        text_item("HAS PROPERTIES", cad_codes.ALGORITHM_NAME, plain(manifest.name, 64)),
        text_item("HAS PROPERTIES", cad_codes.ALGORITHM_VERSION, plain(manifest.version, 64)),
        *(text_item("HAS PROPERTIES", cad_codes.ALGORITHM_PARAMETERS, plain(p, 1024)) for p in parameters),
    ]


def _name(label: str, kind: Kind) -> Code:
    table = MAMMOGRAPHY_FINDINGS if kind.mammography else CHEST_FINDINGS
    words = label.lower()
    return next((code for name, code in table.items() if name in words), cad_codes.SELECTED_REGION)
