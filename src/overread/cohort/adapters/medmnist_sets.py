"""The published MedMNIST sets: what their label numbers mean.

Yang et al., MedMNIST v2, Scientific Data 2023;10:41. Modalities are DICOM's codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ORGANS = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)


@dataclass(frozen=True)
class MedMnistSet:
    """Class names by number, the positive class of a binary set, and what is known of the patients.

    ``several`` marks sets with any number of labels per image.
    """

    labels: tuple[str, ...]
    modality: tuple[str, ...]
    positive: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    licence: str = "CC BY 4.0"
    note: str = ""
    several: bool = False


SETS: Mapping[str, MedMnistSet] = {
    "pneumoniamnist": MedMnistSet(
        ("normal", "pneumonia"),
        ("CR", "DX"),
        "pneumonia",
        {"age_years": [1, 5], "body_part": ["CHEST"]},
        note="chest radiographs of children aged 1 to 5 years (Kermany et al., Cell 2018;172:1122-1131)",
    ),
    "breastmnist": MedMnistSet(
        ("malignant", "normal, benign"),
        ("US",),
        "malignant",
        {"body_part": ["BREAST"]},
        note="breast ultrasound",
    ),
    "bloodmnist": MedMnistSet(
        (
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocyte",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
        ("GM",),
        note="single blood cells under the microscope",
    ),
    "dermamnist": MedMnistSet(
        (
            "actinic keratoses and intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesions",
            "dermatofibroma",
            "melanoma",
            "melanocytic nevi",
            "vascular lesions",
        ),
        ("DMS",),
        licence="CC BY-NC 4.0",
        note="dermatoscopy (HAM10000)",
    ),
    "octmnist": MedMnistSet(
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
        ("OPT",),
        note="optical coherence tomography of the retina",
    ),
    "organamnist": MedMnistSet(ORGANS, ("CT",), note="abdominal CT, axial"),
    "organcmnist": MedMnistSet(ORGANS, ("CT",), note="abdominal CT, coronal"),
    "organsmnist": MedMnistSet(ORGANS, ("CT",), note="abdominal CT, sagittal"),
    "pathmnist": MedMnistSet(
        (
            "adipose",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ),
        ("SM",),
        note="colorectal histology",
    ),
    "retinamnist": MedMnistSet(
        ("grade 0", "grade 1", "grade 2", "grade 3", "grade 4"),
        ("OP",),
        note="fundus photographs, severity of diabetic retinopathy; the order of the grades is not used",
    ),
    "tissuemnist": MedMnistSet(
        (
            "collecting duct, connecting tubule",
            "distal convoluted tubule",
            "glomerular endothelial cells",
            "interstitial endothelial cells",
            "leukocytes",
            "podocytes",
            "proximal tubule segments",
            "thick ascending limb",
        ),
        ("GM",),
        note="kidney cortex cells under the microscope",
    ),
    "chestmnist": MedMnistSet(
        (
            "atelectasis",
            "cardiomegaly",
            "effusion",
            "infiltration",
            "mass",
            "nodule",
            "pneumonia",
            "pneumothorax",
            "consolidation",
            "edema",
            "emphysema",
            "fibrosis",
            "pleural",
            "hernia",
        ),
        ("CR", "DX"),
        limits={"body_part": ["CHEST"]},
        note="frontal chest radiographs (ChestX-ray14), findings by text mining",
        several=True,
    ),
    "organmnist3d": MedMnistSet(
        (
            "liver",
            "kidney-right",
            "kidney-left",
            "femur-right",
            "femur-left",
            "bladder",
            "heart",
            "lung-right",
            "lung-left",
            "spleen",
            "pancreas",
        ),
        ("CT",),
        note="organs cut out of abdominal CT",
    ),
    "nodulemnist3d": MedMnistSet(
        ("benign", "malignant"), ("CT",), "malignant", note="lung nodules cut out of chest CT (LIDC-IDRI)"
    ),
    "adrenalmnist3d": MedMnistSet(
        ("normal", "hyperplasia"), ("CT",), "hyperplasia", note="masks of adrenal glands on abdominal CT"
    ),
    "fracturemnist3d": MedMnistSet(
        ("buckle rib fracture", "nondisplaced rib fracture", "displaced rib fracture"),
        ("CT",),
        note="rib fractures cut out of chest CT (RibFrac)",
    ),
    "vesselmnist3d": MedMnistSet(
        ("vessel", "aneurysm"),
        ("MR",),
        "aneurysm",
        note="models of brain vessels from MR angiography (IntrA)",
    ),
    "synapsemnist3d": MedMnistSet(
        ("inhibitory synapse", "excitatory synapse"),
        ("GM",),
        "excitatory synapse",
        note="synapses under the electron microscope",
    ),
}
