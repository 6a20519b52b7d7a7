"""The imports of published and of common layouts by name: `overread import NAME FOLDER --out DIR`.

An adapter is a module beside this one, named as the import with ``_`` for ``-``, with one function
``import_<module>(folder, out, **options)``. Modules are loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class Adapter:
    """``help`` says in one line what is taken over; ``options`` maps option name to help, each one text."""

    help: str
    options: Mapping[str, str] = field(default_factory=dict)


ADAPTERS: Mapping[str, Adapter] = {
    "aptos": Adapter("From APTOS 2019: fundus photographs graded for diabetic retinopathy."),
    "bids": Adapter(
        "From the anatomical images of a BIDS data set, with masks or a column as truth.",
        {
            "channels": "Kinds of images as files end, such as T1w,FLAIR; without it those of every session.",
            "masks": "How the masks in derivatives end, such as label-lesion_mask, where there are several kinds.",
            "label": "Column of participants.tsv that holds the class, instead of masks.",
        },
    ),
    "brats": Adapter("From the BraTS challenges of 2017 to 2023: four MR channels and label maps."),
    "camelyon16": Adapter(
        "From CAMELYON16: slides of lymph nodes with or without metastases, keeping its test part."
    ),
    "cbis-ddsm": Adapter(
        "From CBIS-DDSM: mammograms with masks of masses and calcifications, keeping its test part."
    ),
    "chestxray14": Adapter("From ChestX-ray14: chest radiographs with 14 findings, keeping its lists."),
    "chexpert": Adapter(
        "From CheXpert or its small version: chest radiographs with 14 findings, keeping its parts."
    ),
    "coco": Adapter(
        "From boxes in COCO's format (instances_*.json), keeping its parts.",
        {"task": "detection (the default) or segmentation, which makes label maps of the outlines."},
    ),
    "folders": Adapter(
        "From a folder per class, or train, val and test with a folder per class in each.",
        {
            "patient": "Regular expression whose first group is the patient in a file's name, such as ^([^_]+)."
        },
    ),
    "ham10000": Adapter("From HAM10000: dermatoscopic images, all of one lesion together."),
    "idrid": Adapter(
        "From IDRiD, fundus photographs, keeping its training and testing sets.",
        {"part": "segmentation, grading or localisation; needed where the folder holds several."},
    ),
    "isic": Adapter("From the ISIC challenges of 2018 (task 3), 2019 or 2020: images of skin lesions."),
    "luna16": Adapter("From LUNA16: lung nodules on CT, keeping its ten subsets."),
    "msd": Adapter("From one task of the Medical Segmentation Decathlon."),
    "nnunet": Adapter("From nnU-Net's raw data, version 2, keeping its test part."),
    "panda": Adapter("From PANDA: slides of prostate biopsies graded by ISUP."),
    "rsna-pneumonia": Adapter("From the RSNA pneumonia challenge: chest radiographs with boxes of opacity."),
    "table": Adapter(
        "From a folder of images and a table of labels (CSV or TSV); columns are guessed, and that is said.",
        {
            "table": "The table, where the folder does not hold just one.",
            "image": "Column that names the image files, with or without suffix.",
            "label": "Column of the class; several with commas between them are findings of 1, 0 and -1.",
            "patient": "Column that tells the patient.",
            "split": "Column that tells train, val and test.",
            "task": "classification (the default of one column), ordinal (grades in their natural order) or "
            "regression (a number).",
            "unit": "Unit of a number as UCUM writes it: a for years, mo, %, mm.",
        },
    ),
    "vindr-cxr": Adapter(
        "From VinDr-CXR: chest radiographs with the boxes of every reader, keeping its test part."
    ),
    "voc": Adapter("From boxes in the layout of Pascal VOC, keeping its parts."),
}


def run(name: str, folder: Path, out: Path, **options: str | None) -> None:
    """Import ``folder`` as the data set or layout ``name`` into ``out``; see the adapter for what it raises."""
    module = name.replace("-", "_")
    make = getattr(import_module(f"overread.cohort.adapters.{module}"), f"import_{module}")
    make(Path(folder), Path(out), **options)
