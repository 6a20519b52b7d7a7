"""Parametric map: how probable a label was at every voxel, as numbers that a viewer can colour (PS3.3 A.75)."""

from __future__ import annotations

import numpy as np
from highdicom.content import VOILUTTransformation
from highdicom.pm import DerivedPixelContrastValues, ImageFlavorValues, ParametricMap, RealWorldValueMapping
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results.anatomy import frame_anatomy
from overread.clinic.results.codes import PROBABILITY, plain, unit
from overread.clinic.results.frames import frames_of, in_source_order
from overread.clinic.results.material import Material
from overread.clinic.results.names import PLACES
from overread.clinic.results.planes import planes_of
from overread.clinic.results.source import equipment, finish, local_time
from overread.clinic.results.stand_in import name_sources, stand_ins
from overread.clinic.results.uids import derived_uid
from overread.runtime.maps import PROBABILITY as NAME
from overread.runtime.maps import STEPS


def make_parametric_map(material: Material) -> ParametricMap | None:
    """Probability (0 to 1, float) of the label that is likeliest anywhere; None where the run kept no maps.

    Raises InputError as `overread.clinic.results.stand_in.stand_ins`.
    """
    if not material.maps:
        return None
    name, values = max(material.maps.items(), key=lambda item: int(item[1].max()))
    headers, run, manifest = material.first_headers, material.run, material.package.manifest
    planes, when = planes_of(headers), local_time(run.time, headers[0])
    frames = in_source_order(frames_of(values), planes, headers[0]).astype(np.float32) / np.float32(STEPS)
    label = name.removeprefix(NAME)
    result = ParametricMap(
        source_images=stand_ins(headers, planes),
        pixel_array=frames,
        series_instance_uid=derived_uid(run.key, "map series"),
        series_number=PLACES["map"].series_number,
        sop_instance_uid=derived_uid(run.key, "map"),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label=plain(f"P {label}", 16),
                lut_explanation=plain(f"Probability of {label}", 64),
                unit=unit("1"),
                value_range=(0.0, 1.0),
                slope=1.0,
                intercept=0.0,
                quantity_definition=PROBABILITY,
            )
        ],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_label="AI_PROBABILITY",
        content_description=plain(f"{manifest.name} {manifest.version}: {name}", 64),
        image_flavor=ImageFlavorValues.VOLUME,
        derived_pixel_contrast=DerivedPixelContrastValues.QUANTITY,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **equipment(material.package, run),
    )
    name_sources(result, headers)
    organization = derived_uid(run.key, "map dimension organization")
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    result.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [frame_anatomy(headers[0])]
    _ascending(result)
    finish(result, material.files[0], run, material.headers)
    return result


def _ascending(result: ParametricMap) -> None:
    """Frames along the normal of their rows and columns: dcmqi 1.5.7 lays them so whatever their positions say."""
    groups = list(result.PerFrameFunctionalGroupsSequence)
    heights = [
        [float(x) for x in g.PlanePositionSequence[0].ImagePositionPatient]
        for g in groups
        if "PlanePositionSequence" in g
    ]
    shared = result.SharedFunctionalGroupsSequence[0]
    if len(heights) < max(len(groups), 2) or "PlaneOrientationSequence" not in shared:
        return
    turned = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, np.float64).reshape(2, 3)
    order = np.argsort(np.array(heights) @ np.cross(*turned), kind="stable").tolist()
    frames = np.frombuffer(result.FloatPixelData, "<f4").reshape(len(groups), result.Rows, result.Columns)
    result.FloatPixelData = np.ascontiguousarray(frames[order]).tobytes()
    result.PerFrameFunctionalGroupsSequence = [groups[k] for k in order]
    for n, group in enumerate(result.PerFrameFunctionalGroupsSequence, 1):
        group.FrameContentSequence[0].DimensionIndexValues = [n]
