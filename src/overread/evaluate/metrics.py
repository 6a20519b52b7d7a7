"""Every metric that the tasks measure, once: its name and meaning for a person, and in which direction it improves."""

from __future__ import annotations

from collections.abc import Iterator

from overread.evaluate.metric import Metric
from overread.runtime.measures import MEASURES

_ALL = (
    Metric(
        "auroc",
        "Area under the ROC curve",
        "The chance that a patient with the finding scores above one without; ties count half. "
        "0.5 is chance, 1 perfect.",
    ),
    Metric(
        "auroc_macro",
        "Area under the ROC curve, mean over labels",
        "Each class against the rest, or each finding where it is stated, averaged over the labels.",
    ),
    Metric(
        "auroc_macro_frequent",
        "Area under the ROC curve, mean over frequent findings",
        "As the mean over all findings, of those alone that 20 test cases or more have: areas of rarer ones are mostly "
        "chance.",
    ),
    Metric(
        "auprc",
        "Area under the precision-recall curve",
        "Precision averaged over the recalls from 0 to 1 as the threshold falls, the area under the precision-recall "
        "curve. Chance is the share of positive cases, so that it holds only at this share.",
    ),
    Metric(
        "mcc",
        "Matthews correlation coefficient",
        "Correlation of the decided and the true class; 0 is chance, 1 perfect, however common each class is.",
        share=False,
    ),
    Metric(
        "sensitivity",
        "Sensitivity",
        "Share of cases with the finding that were called positive, at the fixed threshold; of ordered grades: of the "
        "cases of that grade or a higher one. In detection: share of "
        "true objects that were found, all cases pooled.",
    ),
    Metric(
        "specificity",
        "Specificity",
        "Share of cases without the finding that were called negative, at the fixed threshold.",
    ),
    Metric(
        "ppv",
        "Positive predictive value",
        "Share of positive calls that were right. Holds only at this share of positive cases.",
    ),
    Metric(
        "npv",
        "Negative predictive value",
        "Share of negative calls that were right. Holds only at this share of positive cases.",
    ),
    Metric(
        "quadratic_kappa",
        "Quadratic weighted kappa",
        "Agreement of decided and true grade beyond chance; an error counts by the square of its distance in grades. "
        "0 is chance, 1 perfect.",
        share=False,
    ),
    Metric(
        "grade_error",
        "Mean absolute error in grades",
        "How many grades decided and true grade lie apart, on average.",
        better="lower",
        share=False,
    ),
    Metric(
        "concordance",
        "Concordance of grades",
        "The chance that of two cases of different grade the higher grade has the higher expected grade; ties count "
        "half. 0.5 is chance, 1 perfect.",
    ),
    Metric(
        "auroc_at_least",
        "Area under the ROC curve of a grade or higher",
        "The chance that a case of the grade or a higher one scores above a case of a lower one; ties count half.",
    ),
    Metric(
        "mae",
        "Mean absolute error",
        "How far found and true number lie apart, whatever the direction, on average.",
        better="lower",
        share=False,
    ),
    Metric(
        "mae_gain",
        "Error less than that of the mean",
        "By how much the mean absolute error is smaller than that of always saying the mean of the training cases, "
        "case by case; at or below 0 the images have told nothing.",
        share=False,
    ),
    Metric(
        "rmse",
        "Root mean squared error",
        "As the mean absolute error, with large errors weighing more.",
        better="lower",
        share=False,
    ),
    Metric(
        "r2",
        "Coefficient of determination",
        "Share of the variance of the true numbers that the found ones explain; 1 is perfect, 0 no better than the "
        "mean of the test cases, below 0 worse.",
        share=False,
    ),
    Metric(
        "bias",
        "Bias",
        "Found minus true number, on average; above 0 too much is found.",
        better="none",
        share=False,
    ),
    Metric(
        "agreement_low",
        "Lower limit of agreement",
        "95% of the differences, found minus true, lie between the two limits of agreement (Bland and Altman 1986).",
        better="none",
        share=False,
    ),
    Metric(
        "agreement_high",
        "Upper limit of agreement",
        "As the lower limit, on the other side.",
        better="none",
        share=False,
    ),
    Metric(
        "value_coverage",
        "Coverage of the prediction interval",
        "Share of the stated intervals that hold the true number; the package states what it expects.",
    ),
    Metric(
        "interval_width",
        "Width of the prediction interval",
        "From its lower to its upper limit, on average; an interval that says more is narrower.",
        better="lower",
        share=False,
    ),
    Metric("accuracy", "Accuracy", "Share of cases decided rightly. Depends on how common each class is."),
    Metric("balanced_accuracy", "Balanced accuracy", "Mean over the classes of the share decided rightly."),
    Metric("brier", "Brier score", "Mean squared error of the probabilities; 0 is perfect.", better="lower"),
    Metric(
        "ece",
        "Expected calibration error",
        "Mean gap between probability and observed frequency, by bins of probability; 0 is perfect.",
        better="lower",
    ),
    Metric(
        "aurc",
        "Area under the curve of risk over coverage",
        "Mean share wrong over all shares of the cases that could be decided, surest first; 0 is perfect. It is small "
        "where few are wrong and these are the least sure.",
        better="lower",
    ),
    Metric(
        "selective_gain",
        "Gain of the surer half",
        "How much more often the surer half of the decisions is right than all of them; at 0 the package does not know "
        "when it is wrong.",
        share=False,
    ),
    Metric(
        "referred",
        "Left to a person",
        "Share of the answered cases that the package leaves to a person, by a threshold fixed on tuning cases.",
        better="lower",
    ),
    Metric(
        "decided_wrong",
        "Wrong among what is decided",
        "Share wrong among the cases that the package does not leave to a person.",
        better="lower",
    ),
    Metric(
        "set_coverage",
        "Coverage of the prediction set",
        "Share of the cases of a class whose prediction set holds that class. The package promises a share on average "
        "over tuning sets; large sets keep it easily.",
    ),
    Metric(
        "set_size",
        "Size of the prediction set",
        "Mean number of classes in the prediction set; 1 says most.",
        better="lower",
        share=False,
    ),
    Metric(
        "dice",
        "Dice coefficient",
        "Overlap of found and reference, twice the common part over the sum of both; 1 is perfect. Mean over the cases "
        "that show the structure (of all: over the structures that a case shows); one that was missed counts 0.",
    ),
    Metric(
        "dice_with_empty",
        "Dice coefficient, empty pairs counted 1",
        "As many publications have it: a case without the structure counts 1 where nothing was found, else 0. Where "
        "many cases lack it, a model that finds nothing looks good.",
    ),
    Metric(
        "missed",
        "Missed",
        "Share of the cases that show the structure in which none of it was found.",
        better="lower",
    ),
    Metric(
        "false_finding",
        "False finding",
        "Share of the cases without the structure in which some of it was found.",
        better="lower",
    ),
    Metric(
        "false_volume",
        "False volume",
        "How much was found in cases without the structure, on average.",
        better="lower",
        share=False,
    ),
    Metric(
        "hd95",
        "95% Hausdorff distance",
        "How far the boundaries lie apart, 95th percentile, the larger of both directions. Boundary: "
        "voxels with a face neighbour outside; distances between voxel centres. Over the cases that show the "
        "structure; a missed one counts with the diagonal of the image, so that the mean depends on how the image was "
        "cropped.",
        better="lower",
        share=False,
    ),
    Metric(
        "nsd",
        "Surface Dice",
        "Share of both boundaries within a tolerance of the other (normalised surface distance): 2 mm in volumes, no "
        "less than the largest voxel side; 2 pixels in the plane. Over the cases that show the structure; a missed one "
        "counts 0.",
    ),
    Metric(
        "volume_error",
        "Volume error",
        "Found minus true volume (area in the plane); positive is too large. Opposite errors cancel in the mean.",
        better="none",
        share=False,
    ),
    Metric(
        "volume_abs_error",
        "Absolute volume error",
        "How far found and true volume lie apart, whatever the direction.",
        better="lower",
        share=False,
    ),
    Metric(
        "volume_agreement_low",
        "Lower limit of agreement of the volume",
        "95% of the differences, found minus true, lie between the two limits of agreement (Bland and Altman 1986).",
        better="none",
        share=False,
    ),
    Metric(
        "volume_agreement_high",
        "Upper limit of agreement of the volume",
        "As the lower limit, on the other side.",
        better="none",
        share=False,
    ),
    Metric(
        "interval_coverage",
        "Coverage of the volume's interval",
        "Share of the stated intervals that hold the true volume; the package states what it expects beside each.",
    ),
    Metric(
        "interval_coverage_present",
        "Coverage of the volume's interval where the structure is",
        "As the coverage over all cases, of those that show the structure: cases in which nothing is there and nothing "
        "was found are covered easily and hide the others.",
    ),
    Metric(
        "interval_coverage_small",
        "Coverage of the volume's interval, smaller half",
        "Of the cases that show the structure, the half with the smaller true volumes.",
    ),
    Metric(
        "interval_coverage_large",
        "Coverage of the volume's interval, larger half",
        "Of the cases that show the structure, the half with the larger true volumes.",
    ),
    Metric(
        "count_coverage",
        "Coverage of the count's interval",
        "Share of the stated intervals that hold the true number.",
    ),
    Metric(
        "count_coverage_present",
        "Coverage of the count's interval where there is a lesion",
        "Share of the stated intervals that hold the true number, of the cases with one or more.",
    ),
    Metric(
        "expected_dice_error",
        "Error of the expected Dice",
        "How far the Dice that the package expects of a mask lies from the real one, of the cases in which it found "
        "something; where nothing is there the real one is 0.",
        better="lower",
    ),
    Metric(
        "expected_dice_coverage",
        "Coverage of the expected Dice's interval",
        "Share of the stated intervals of the expected Dice that hold the real one.",
    ),
    Metric(
        "lesion_sensitivity",
        "Lesion sensitivity",
        "Share of true lesions that were found, all cases pooled: lesions and found parts are matched one to one, with "
        "an intersection over union above 0.1. Parts of fewer than 3 voxels count for nothing.",
    ),
    Metric(
        "lesion_precision",
        "Lesion precision",
        "Share of found parts that are matched with a true lesion, all cases pooled.",
    ),
    Metric(
        "lesion_f1",
        "Lesion F1",
        "2 found / (2 found + false + missed) over the lesions of all cases.",
    ),
    Metric(
        "false_lesions_per_case",
        "False lesions per case",
        "Found parts that are matched with no true lesion, per case.",
        better="lower",
        share=False,
    ),
    Metric(
        "merged_lesions_per_case",
        "Merges per case",
        "Found parts that touch two true lesions or more, per case.",
        better="lower",
        share=False,
    ),
    Metric(
        "split_lesions_per_case",
        "Splits per case",
        "True lesions that two found parts or more touch, per case.",
        better="lower",
        share=False,
    ),
    Metric(
        "map",
        "Mean average precision",
        "Average precision, averaged over the labels that the test cases show.",
    ),
    Metric(
        "average_precision",
        "Average precision",
        "Precision averaged over the recalls from 0 to 1 as the threshold falls (101 points, as COCO has it). Of "
        "several boxes on one object the surest counts, the others are false.",
    ),
    Metric(
        "precision",
        "Precision",
        "Share of boxes at the fixed threshold that are on a true object, all cases pooled.",
    ),
    Metric(
        "false_positives_per_image",
        "False positives per image",
        "Boxes at the fixed threshold that are on no true object, per image.",
        better="lower",
        share=False,
    ),
    Metric(
        "answered",
        "Answered",
        "Share of test cases inside the package's declared input limits; the others got a coded reason and no result. "
        "Whether they count as wrong in the other measures the protocol says; without a word there, they do.",
    ),
)


def _of_measures() -> Iterator[Metric]:
    """Errors and coverage of every further measure of a label map."""
    for m in MEASURES.values():
        words = f"{m.name[:1].upper()}{m.name[1:]}"
        yield Metric(
            f"{m.key}_error",
            f"{words}: error",
            f"{m.meaning}: found minus true, mean over the cases that show the structure. Opposite errors cancel.",
            better="none",
            share=False,
        )
        yield Metric(
            f"{m.key}_abs_error",
            f"{words}: absolute error",
            f"{m.meaning}: how far found and true lie apart, mean over the cases that show the structure.",
            better="lower",
            share=False,
        )
        yield Metric(
            f"{m.key}_coverage",
            f"{words}: coverage of the interval",
            "Share of the stated intervals that hold the true measure, of the cases that show the structure.",
        )


METRICS: dict[str, Metric] = {metric.key: metric for metric in (*_ALL, *_of_measures())}
"""By key; a task's module picks its own from here."""

_OVER_ALL = {
    "dice": "Mean Dice coefficient",
    "dice_with_empty": "Mean Dice coefficient, empty pairs counted 1",
}


def title(metric: Metric, label: str | None) -> str:
    """Full name of a metric with the label that it is about: ``Sensitivity, pneumonia``."""
    return _OVER_ALL.get(metric.key, metric.name) if label is None else f"{metric.name}, {label}"
