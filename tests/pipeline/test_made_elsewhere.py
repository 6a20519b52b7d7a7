"""A package made elsewhere goes from lock to test in a folder that trained nothing; the report says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.runtime.models import mean_classifier
from tests.shapes import write_shapes

import overread.pipeline.stages as stages
from overread.bridge.import_model import import_model
from overread.errors import InputError
from overread.pipeline.made_elsewhere import NOT_EVIDENCED
from overread.regulatory.finished import read_finished, trained_here

LABELS = ["nodule", "mass"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of images with one of two labels, checked; nothing was planned or trained."""
    folder = write_shapes(tmp_path / "site", dimensions=2, truth="label")
    (folder / "task.json").write_text(
        json.dumps({"task": "classification", "labels": LABELS, "positive": "mass"})
    )
    stages.init_stage(folder)
    stages.check_stage(folder)
    return folder


def imported(folder: Path, labels: list[str]) -> Path:
    """A network that finds what is bright, as an ONNX file that becomes a package."""
    (folder / "net.onnx").write_bytes(mean_classifier(2))
    grey = {"method": "fixed", "low": 0, "high": 255, "mean": 75, "std": 20}
    told = {
        "name": "bright",
        "task": "classification",
        "channels": [{"name": "image", "modality": []}],
        "labels": labels,
        "positive": labels[1],
        "preprocess": {"dimensions": 2, "color": "gray", "size": [32, 32], "intensity": [grey]},
        "licence": "Apache-2.0",
    }
    (folder / "net.yaml").write_text(yaml.safe_dump(told))
    import_model(folder / "net.onnx", folder / "net.overread")
    return folder / "net.overread"


def test_it_is_locked_tested_and_reported(folder: Path, tmp_path: Path) -> None:
    package = imported(tmp_path, LABELS)
    stages.lock_stage(folder, elsewhere=package)
    stages.test_stage(folder)
    lock = json.loads((folder / "record" / "lock.json").read_text())["result"]
    report = json.loads((folder / "report.json").read_text())
    assert lock["made_elsewhere"] is True
    assert report["made_elsewhere"]["framework"] == "ONNX" and report["openings"] == 1
    assert report["evidence"]["plan"] == report["evidence"]["weights"] == NOT_EVIDENCED
    assert report["operating_points"] == {} and report["plan"] == {}
    (auroc,) = [r for r in report["test"] if r["metric"] == "auroc"]
    assert auroc["estimate"] == 1 and auroc["n"] == 6
    page = (folder / "report.html").read_text()
    assert "Made elsewhere." in page and "was not trained in this folder" in page
    # Nothing is said of a plan, or of what tuning patients decided.
    assert "Input channels" not in page and "fixed on the tuning patients" not in page
    with pytest.raises(InputError, match="its training is not evidenced"):
        trained_here(read_finished(folder))
    # A second look is as exploratory as with a package of one's own, and lock needs no --package again.
    stages.lock_stage(folder)
    stages.test_stage(folder)
    assert json.loads((folder / "report.json").read_text())["openings"] == 2


def test_a_package_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"labels of the package: mass, nodule; protocol\.yaml has nodule, mass"
    ):
        stages.lock_stage(folder, elsewhere=imported(tmp_path, LABELS[::-1]))
    assert not (folder / "package").exists()
    with pytest.raises(InputError, match=r"lock .*--package FILE"):
        stages.lock_stage(folder)
