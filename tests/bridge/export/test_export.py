"""The way out: plain PyTorch and a MONAI bundle that run without this project, an application's folder."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml
from tests.bridge.made import make_bundle, make_nnunet, volume
from tests.runtime.models import mean_classifier, package_of

import overread
from overread.bridge.export import export_model
from overread.bridge.export.torch_code import torch_code
from overread.bridge.import_model import import_model
from overread.errors import InputError
from overread.runtime.engine import engines_of
from overread.runtime.package import Package

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("export")
    make_bundle(folder / "organs")
    return import_model(folder / "organs", folder / "organs.overread")


def test_plain_torch_loads_without_this_project(tmp_path: Path) -> None:
    make_nnunet(tmp_path / "model", folds=2, plans={"transpose_forward": [1, 0, 2]})
    package = import_model(tmp_path / "model", tmp_path / "net.overread")
    made = export_model(package, "torch", tmp_path / "out")
    assert made.difference is not None and made.difference < 1e-4
    assert set(made.files) == {
        *("network.py", "weights.pt", "network_1.py", "weights_1.pt", "package.json", "README.md")
    }
    assert package.manifest.windows is not None
    x = np.random.default_rng(1).normal(size=(2, 1, *package.manifest.windows.size)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys, numpy as np, torch\n"
        "from network_1 import Network\n"
        "n = Network(); n.load_state_dict(torch.load('weights_1.pt', weights_only=True)); n.eval()\n"
        f"x = torch.from_numpy(np.load({str(tmp_path / 'x.npy')!r}))\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, n(x).detach().numpy())\n"
        "assert not any(m.split('.')[0] in ('overread', 'onnx') for m in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path / "out", check=True)
    expected = next(iter(list(engines_of(package).values())[1](x).values()))
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, atol=1e-4)


def test_monai_runs_the_bundle_and_finds_the_same_labels(package: Package, tmp_path: Path) -> None:
    export_model(package, "monai-bundle", tmp_path / "bundle")
    image = volume()
    nibabel.save(nibabel.Nifti1Image(image.array[0], image.affine), tmp_path / "case.nii.gz")
    # What `python -m monai.bundle run` calls; that command itself needs the package fire.
    told = {
        "config_file": "configs/inference.json",
        "bundle_root": ".",
        "datalist": [str(tmp_path / "case.nii.gz")],
    }
    subprocess.run(
        [sys.executable, "-c", f"from monai.bundle import run; run(**{told!r})"],
        cwd=tmp_path / "bundle",
        check=True,
        capture_output=True,
    )
    found = next((tmp_path / "bundle" / "eval").glob("*.nii.gz"))
    labels = np.asarray(nibabel.load(found).dataobj).astype(int).squeeze()
    answer = overread.predict(package, image).answer
    assert isinstance(answer, overread.LabelMap)
    assert len(np.unique(labels)) == 3
    assert (answer.mask == labels).mean() > 0.999


def test_a_bundle_comes_back_as_the_package_it_was(package: Package, tmp_path: Path) -> None:
    """The network is found by its script, which is no network of MONAI: TorchScript beside it is what is read."""
    made = export_model(package, "monai-bundle", tmp_path / "bundle")
    metadata = json.loads((tmp_path / "bundle" / "configs" / "metadata.json").read_text())
    assert metadata["network_data_format"]["outputs"]["pred"]["channel_def"]["2"] == "spleen"
    assert made.difference is not None and made.difference < 1e-4
    with pytest.raises(InputError, match=r"expected a class of monai\.networks\.nets"):
        import_model(tmp_path / "bundle", tmp_path / "again.overread")


def test_an_application_s_folder_is_whole(package: Package, tmp_path: Path) -> None:
    made = export_model(package, "map", tmp_path / "map")
    for name in made.files:
        assert (tmp_path / "map" / name).is_file()
        if name.endswith(".py"):
            ast.parse((tmp_path / "map" / name).read_text())
    text = (tmp_path / "map" / "app" / "app.py").read_text()
    operators = {
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("monai.deploy.operators")
        for alias in node.names
    }
    assert operators == {
        *("DICOMDataLoaderOperator", "DICOMSeriesSelectorOperator", "DICOMSeriesToVolumeOperator"),
        *("DICOMSegmentationWriterOperator", "SegmentDescription"),
    }
    told = yaml.safe_load((tmp_path / "map" / "app" / "app.yaml").read_text())
    assert told["application"]["version"] == "0.3.1" and set(told["resources"]) == {"cpu", "gpu", "memory"}
    assert Package.load(tmp_path / "map" / "model" / "two-organs.overread").sha256 == package.sha256
    assert "monai-deploy package app" in (tmp_path / "map" / "README.md").read_text()


@pytest.mark.parametrize(
    ("form", "said"), [("torchscript", "expected torch"), ("map", "one channel"), ("monai-bundle", "bundle")]
)
def test_what_cannot_be_written_is_refused(form: str, said: str, tmp_path: Path) -> None:
    classifier = package_of(mean_classifier(2), channels=[{"name": "image"}])
    with pytest.raises(InputError, match=said):
        export_model(classifier, form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(package: Package, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="is there already"):
        export_model(package, "torch", tmp_path)


def test_an_operator_that_is_not_known_is_named() -> None:
    import onnx

    proto = onnx.load_model_from_string(mean_classifier(2))
    proto.graph.node[0].op_type = "Loop"
    with pytest.raises(InputError, match="operator Loop"):
        torch_code(proto.SerializeToString(), "x")
    assert torch_code(mean_classifier(2), "x").weights["w"].dtype == torch.float32
