"""Agreement of a segmentation with the truth: overlap, surface distance, volume, lesions, objects.

Empty masks never give NaN, so that a missed structure counts against the mean: both empty is perfect
(Dice 1, distance 0), one empty is the worst there is (Dice 0, distance the image's diagonal).
"""

from overread.stats.segmentation.boundary import boundary_iou
from overread.stats.segmentation.case_mean import mean_over_cases
from overread.stats.segmentation.distance import assd, hausdorff, hausdorff95, masd, nsd
from overread.stats.segmentation.labels import SegmentationMetrics, segmentation_metrics
from overread.stats.segmentation.lesions import (
    LesionDetection,
    LesionWiseDice,
    components,
    lesion_detection,
    lesion_wise_dice,
)
from overread.stats.segmentation.matching import LesionMatches, match_lesions
from overread.stats.segmentation.overlap import (
    VoxelCounts,
    accuracy,
    dice,
    iou,
    precision,
    sensitivity,
    specificity,
    voxel_counts,
)
from overread.stats.segmentation.panoptic import PanopticQuality, panoptic_quality, panoptic_quality_by_class
from overread.stats.segmentation.skeleton import cldice, skeleton
from overread.stats.segmentation.surface import SurfaceDistances, surface_distances
from overread.stats.segmentation.volume import VolumeError, volume_error

__all__ = [
    "LesionDetection",
    "LesionMatches",
    "LesionWiseDice",
    "PanopticQuality",
    "SegmentationMetrics",
    "SurfaceDistances",
    "VolumeError",
    "VoxelCounts",
    "accuracy",
    "assd",
    "boundary_iou",
    "cldice",
    "components",
    "dice",
    "hausdorff",
    "hausdorff95",
    "iou",
    "lesion_detection",
    "lesion_wise_dice",
    "masd",
    "match_lesions",
    "mean_over_cases",
    "nsd",
    "panoptic_quality",
    "panoptic_quality_by_class",
    "precision",
    "segmentation_metrics",
    "sensitivity",
    "skeleton",
    "specificity",
    "surface_distances",
    "volume_error",
    "voxel_counts",
]
