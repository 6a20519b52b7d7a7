"""Detection: boxes, matching, average precision, and free-response figures of merit."""

from overread.stats.detection.afroc import (
    afroc,
    afroc1,
    figure_of_merit,
    hr_auc,
    leave_one_out,
    wafroc,
    wafroc1,
)
from overread.stats.detection.average_precision import (
    MeanAveragePrecision,
    average_precision,
    coco_summary,
    mean_average_precision,
)
from overread.stats.detection.box_geometry import as_boxes, box_area, box_centres, box_iou, convert_boxes
from overread.stats.detection.counts import max_llf, max_nlf
from overread.stats.detection.froc import FrocCurve, cpm, froc_curve, sensitivity_at_false_positives
from overread.stats.detection.marks import Marks, matched_marks, rated_marks
from overread.stats.detection.matching import Matches, match_detections

__all__ = [
    "FrocCurve",
    "Marks",
    "Matches",
    "MeanAveragePrecision",
    "afroc",
    "afroc1",
    "as_boxes",
    "average_precision",
    "box_area",
    "box_centres",
    "box_iou",
    "coco_summary",
    "convert_boxes",
    "cpm",
    "figure_of_merit",
    "froc_curve",
    "hr_auc",
    "leave_one_out",
    "match_detections",
    "matched_marks",
    "max_llf",
    "max_nlf",
    "mean_average_precision",
    "rated_marks",
    "sensitivity_at_false_positives",
    "wafroc",
    "wafroc1",
]
