"""A MONAI bundle imported: the same logits, the same labels as MONAI gives, and nothing of it is run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.bridge.made import ROI, bundle_config, make_bundle, volume

import overread
from overread.bridge.import_model import import_model
from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.engine import engine_of
from overread.runtime.predict import network_of
from overread.runtime.preprocess import prepare
from overread.runtime.tasks.dense import dense

# MONAI's own, of its transforms' defaults and of TorchScript.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def _monai(folder: Path, network: torch.nn.Module, image: Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """MONAI's own answer: network input, logits and labels on the image's grid."""
    from monai.bundle import ConfigParser
    from monai.data import MetaTensor
    from monai.transforms import Compose

    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    # The image is there already: everything but the reading of its file.
    for i in (0, 1):
        parser["preprocessing::transforms"][i]["_disabled_"] = True
    before: Any = parser.get_parsed_content("preprocessing")
    inferer: Any = parser.get_parsed_content("inferer")
    after: Compose = parser.get_parsed_content("postprocessing")
    data = before({"image": MetaTensor(torch.from_numpy(image.array), affine=torch.from_numpy(image.affine))})
    with torch.no_grad():
        logits = inferer(data["image"][None], network)
    done = after({"image": data["image"], "pred": logits[0]})
    return data["image"].numpy(), logits[0].numpy(), done["pred"].numpy()[0]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    folder = tmp_path_factory.mktemp("bundle") / "organs"
    return folder, make_bundle(folder)


def test_input_logits_and_labels_are_monai_s(bundle: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    folder, network = bundle
    package = import_model(folder, tmp_path / "organs.overread")
    image = volume()
    given, logits, labels = _monai(folder, network, image)
    prepared = prepare(image, package.manifest.preprocess)
    np.testing.assert_allclose(prepared.array, given, atol=1e-5)
    found = dense(
        network_of(engine_of(package), package.manifest), np.asarray(given), package.manifest.windows
    ).outputs["logits"]
    np.testing.assert_allclose(found, logits, atol=1e-4)
    answer = overread.predict(package, image).answer
    assert isinstance(answer, overread.LabelMap)
    assert len(np.unique(labels)) == 3
    assert (answer.mask == labels).mean() > 0.999


def test_the_package_says_where_it_comes_from_and_what_nobody_tested(
    bundle: tuple[Path, torch.nn.Module], tmp_path: Path
) -> None:
    manifest = import_model(bundle[0], tmp_path / "organs.overread", intended_use="livers").manifest
    assert (manifest.name, manifest.version) == ("two organs", "0.3.1")
    assert manifest.labels == ["background", "liver", "spleen"]
    assert manifest.limits.modality == ["CT"] and manifest.channels[0].modality == ["CT"]
    card = manifest.model_card
    assert card["intended_use"] == "livers"
    assert card["validated"].startswith("no tuning cases")
    assert card["imported_from"]["licence"] == "Copyright (c) Somebody"
    assert set(card["imported_from"]["files"]) == {
        "configs/metadata.json",
        "configs/inference.json",
        "models/model.pt",
    }
    assert card["difference_from_origin"] < 1e-4
    answer = overread.predict(overread.Package.load(tmp_path / "organs.overread"), volume()).answer
    assert isinstance(answer, overread.LabelMap)
    assert all(m.low is None and m.reason.startswith("no tuning cases") for m in answer.measurements)


def test_torchscript_a_zip_and_a_single_channel(tmp_path: Path) -> None:
    one = bundle_config()["network_def"] | {"out_channels": 1}
    after = {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
            {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
        ],
    }
    network = make_bundle(tmp_path / "made", script=True, network_def=one, postprocessing=after)
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for file in (tmp_path / "made").rglob("*"):
            archive.write(file, Path("organs") / file.relative_to(tmp_path / "made"))
    package = import_model(tmp_path / "made.zip", tmp_path / "one.overread")
    assert package.manifest.labels == ["background", "foreground"]
    x = np.random.default_rng(0).normal(size=(1, 1, *ROI)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    found = next(iter(engine_of(package)(x).values()))
    np.testing.assert_allclose(found[:, 1:], expected, atol=1e-4)
    assert (found[:, 0] == 0).all()


def _with(transform: dict[str, Any], at: int = 5) -> dict[str, Any]:
    config = bundle_config()["preprocessing"]
    config["transforms"].insert(at, transform)
    return {"preprocessing": config}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            _with({"_target_": "Resized", "keys": "image", "spatial_size": [8, 8, 8]}),
            "Resized before the network",
        ),
        (
            _with({"_target_": "Lambdad", "keys": "image", "func": "$lambda x: x * 2"}),
            "Lambdad before the network",
        ),
        (_with({"_target_": "ScaleIntensityd", "keys": "image"}), "scales grey values once"),
        (
            _with({"_target_": "CropForegroundd", "keys": "image", "source_key": "image"}),
            "a package cuts before",
        ),
        (
            _with(
                {"_target_": "NormalizeIntensityd", "keys": "image", "subtrahend": "$open('/etc/passwd')"}, 2
            ),
            "Python that is not run",
        ),
        (
            {
                "inferer": {
                    "_target_": "SlidingWindowInferer",
                    "roi_size": [8, 8, 8],
                    "padding_mode": "reflect",
                }
            },
            "padding by 0",
        ),
        ({"inferer": {"_target_": "SliceInferer", "roi_size": [8, 8]}}, "expected SlidingWindowInferer"),
        (
            {
                "postprocessing": {
                    "_target_": "Compose",
                    "transforms": [{"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.3}],
                }
            },
            "threshold 0.3",
        ),
    ],
)
def test_what_a_package_cannot_say_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    make_bundle(tmp_path / "organs", **changes)
    with pytest.raises(InputError, match=said):
        import_model(tmp_path / "organs", tmp_path / "out.overread")
    assert not (tmp_path / "out.overread").exists()


@pytest.mark.parametrize(
    "target", ["os.system", "monai.bundle.ckpt_export", "builtins.eval", "torch.nn.Linear"]
)
def test_only_networks_of_monai_are_made(target: str, tmp_path: Path) -> None:
    make_bundle(tmp_path / "organs")
    file = tmp_path / "organs" / "configs" / "inference.json"
    config = json.loads(file.read_text())
    config["network_def"] = {"_target_": target, "spatial_dims": 3}
    file.write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"expected a class of monai\.networks\.nets"):
        import_model(tmp_path / "organs", tmp_path / "out.overread")
