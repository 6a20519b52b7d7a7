"""A package as the folder of a MONAI application package (MAP): application code, its model, and how to build it.

Operators of MONAI Deploy App SDK 4 read the DICOM series and write the result; between them stands `overread.predict`,
so that the application answers as the package that was validated.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import overread
from overread.bridge.export.written import Written, write_texts
from overread.errors import InputError
from overread.files import sha256_file
from overread.runtime.package import Package
from overread.runtime.package import write_package as write
from overread.task import TASKS

SDK = "monai-deploy-app-sdk>=4.0"

MAIN = '''"""{title}: the application's entry point."""

import logging

from app import PackageApp

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    PackageApp().run()
'''

APP = '''"""{title}: a DICOM study in, a DICOM segmentation out."""

from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import AppContext, Application
from monai.deploy.operators.dicom_data_loader_operator import DICOMDataLoaderOperator
from monai.deploy.operators.dicom_seg_writer_operator import DICOMSegmentationWriterOperator, SegmentDescription
from monai.deploy.operators.dicom_series_selector_operator import DICOMSeriesSelectorOperator
from monai.deploy.operators.dicom_series_to_volume_operator import DICOMSeriesToVolumeOperator
from pydicom.sr.codedict import codes

from predict_operator import PredictOperator

RULES = """{rules}"""
LABELS = {labels}


class PackageApp(Application):
    def compose(self):
        context: AppContext = Application.init_app_context(self.argv)
        source, out = Path(context.input_path), Path(context.output_path)
        load = DICOMDataLoaderOperator(self, CountCondition(self, 1), input_folder=source, name="load")
        select = DICOMSeriesSelectorOperator(self, rules=RULES, name="select")
        volume = DICOMSeriesToVolumeOperator(self, name="volume")
        predict = PredictOperator(self, model_path=Path(context.model_path), name="predict")
        described = [
            SegmentDescription(
                segment_label=label,
                segmented_property_category=codes.SCT.Organ,
                segmented_property_type=codes.SCT.Organ,
                algorithm_name={name},
                algorithm_version={version},
            )
            for label in LABELS
        ]
        write = DICOMSegmentationWriterOperator(
            self, segment_descriptions=described, output_folder=out, name="write"
        )
        self.add_flow(load, select, {{("dicom_study_list", "dicom_study_list")}})
        self.add_flow(select, volume, {{("study_selected_series_list", "study_selected_series_list")}})
        self.add_flow(volume, predict, {{("image", "image")}})
        self.add_flow(select, write, {{("study_selected_series_list", "study_selected_series_list")}})
        self.add_flow(predict, write, {{("seg_image", "seg_image")}})
'''

OPERATOR = '''"""The package's answer as an operator: the one function that was validated."""

from pathlib import Path

import numpy as np
import overread
from monai.deploy.core import Fragment, Image, Operator, OperatorSpec

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def as_image(image):
    """The SDK's image (slice, row, column; affine of column, row, slice in LPS+) as overread's."""
    found = image.metadata()
    affine = np.asarray(found["dicom_affine_transform"], float)
    array = np.asarray(image.asnumpy(), np.float32).transpose(2, 1, 0)
    return overread.Image(array[None], LPS_TO_RAS @ affine, modality=str(found.get("modality", "")))


class PredictOperator(Operator):
    def __init__(self, fragment: Fragment, *args, model_path: Path, **kwargs):
        files = sorted(Path(model_path).rglob("*.overread")) if Path(model_path).is_dir() else [Path(model_path)]
        self.package = overread.Package.load(files[0])
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec):
        spec.input("image")
        spec.output("seg_image")

    def compute(self, op_input, op_output, context):
        image = op_input.receive("image")
        prediction = overread.predict(self.package, as_image(image))
        if prediction.answer is None:
            raise RuntimeError(prediction.summary())
        # Back to (slice, row, column).
        mask = prediction.answer.mask.transpose(2, 1, 0)
        op_output.emit(Image(mask, image.metadata()), "seg_image")
'''

README = """# {title} as a MONAI application package

The application reads one DICOM series, answers it with the package in `model/` and writes a DICOM segmentation.

    python -m venv venv && . venv/bin/activate
    pip install -r app/requirements.txt
    python app --input /path/to/dicom --output out --model model
    monai-deploy package app --config app/app.yaml --tag {tag}:{version} --model model --platform x86_64
    monai-deploy run {tag}-x64-workstation-dgpu-linux-amd64:{version} -i /path/to/dicom -o out

Before clinical use: `SegmentDescription` in `app/app.py` says `Organ` for every label; put the right codes in. Series
are selected by modality alone; say more in `RULES`.

Package: {name} {pversion}, sha256 {sha256}. Status: {status}. Intended use: {use}.
"""


def write_application(package: Package, out: Path) -> Written:
    """The folder: ``app/`` (code, ``app.yaml``, requirements), ``model/`` and a README.

    Raises InputError for another task than the segmentation of volumes with one channel.
    """
    manifest = package.manifest
    outlined = TASKS[manifest.task].answer == "label_map"
    if not outlined or manifest.preprocess.dimensions != 3 or len(manifest.channels) != 1:
        raise InputError(
            f"package {manifest.name}: {manifest.task} of {len(manifest.channels)} channels in "
            f"{manifest.preprocess.dimensions}D; an application is written for the segmentation of volumes of "
            "one channel"
        )
    title = f"{manifest.name} {manifest.version}".replace('"', "'").replace("\\", "/")
    tag = "".join(c if c.isalnum() else "-" for c in manifest.name.lower()).strip("-") or "package"
    modalities = manifest.channels[0].modality or manifest.limits.modality
    rules: dict[str, Any] = {
        "selections": [
            {
                "name": manifest.name,
                "conditions": {"Modality": f"(?i)^({'|'.join(modalities)})$"} if modalities else {},
            }
        ]
    }
    labels = list(manifest.regions) or manifest.labels[1:]
    version = "".join(c if c.isalnum() or c in ".-" else "-" for c in manifest.version)
    texts = {
        "app/__main__.py": MAIN.format(title=title),
        "app/app.py": APP.format(
            title=title,
            rules=json.dumps(rules, indent=2, ensure_ascii=True).replace("\\", "\\\\"),
            labels=repr(labels),
            name=repr(manifest.name),
            version=repr(manifest.version),
        ),
        "app/predict_operator.py": OPERATOR,
        "app/app.yaml": _settings(title, version, tag),
        "app/requirements.txt": f"overread>={overread.__version__}\n{SDK}\nhighdicom>=0.28\npydicom>=3.0.2\n",
        "README.md": README.format(
            title=title,
            tag=tag,
            version=version,
            name=manifest.name,
            pversion=manifest.version,
            sha256=package.sha256,
            status=manifest.model_card.get("status", "not stated"),
            use=manifest.model_card.get("intended_use", "not stated"),
        ),
    }
    files = write_texts(out, texts)
    model = out / "model" / f"{tag}.overread"
    model.parent.mkdir(parents=True)
    if package.path.is_file():
        shutil.copyfile(package.path, model)
        assert sha256_file(model) == sha256_file(package.path)
    else:
        write(model, manifest, package.model, package.further)
    notes = ["every segment is coded as an organ until app/app.py says otherwise"]
    return Written([*files, model.relative_to(out).as_posix()], None, notes)


def _settings(title: str, version: str, tag: str) -> str:
    import yaml

    return yaml.safe_dump(
        {
            "application": {
                "title": title,
                "version": version,
                "inputFormats": ["file"],
                "outputFormats": ["file"],
                "name": tag,
            },
            "resources": {"cpu": 2, "gpu": 0, "memory": "4Gi"},
        },
        sort_keys=False,
    )
