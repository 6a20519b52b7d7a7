"""Frozen features, fine-tuning and a training from chance in turn; the best on tuning cases is packaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.learn.toys import RESNET
from tests.narrow import narrow
from tests.shapes import write_shapes

from overread.errors import InputError
from overread.nets.networks import build
from overread.pipeline.report.training import training_rows
from overread.pipeline.stages import init_stage, plan_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import read_plan
from overread.pipeline.stages.train import load_network, train_stage
from overread.pipeline.workspace import Workspace
from overread.runtime.package import Package


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of two epochs that starts from a file of weights, with a rival from chance and one on frozen features."""
    where = write_shapes(tmp_path_factory.mktemp("roads") / "shapes", dimensions=2, truth="label")
    init_stage(where)
    with pytest.MonkeyPatch.context() as quick:
        narrow(quick)
        quick.setattr("overread.learn.timing.LEAST_STEPS", 1)
        quick.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
        plan_stage(where, epochs=2)
    plan = json.loads((where / "plan.json").read_text())
    plan |= {
        "network": {"name": "resnet", "arguments": RESNET, "parameters": 1},
        "batch": 8,
        "steps_per_epoch": 2,
    }
    torch.manual_seed(0)
    weights = where / "elsewhere.pt"
    # Of three channels and ten classes, wrapped as others wrap theirs.
    state = build("resnet", 2, 3, 10, RESNET).state_dict()
    torch.save({"epoch": 9, "state_dict": {f"module.{k}": v for k, v in state.items()}}, weights)
    transfer = {
        "weights": str(weights),
        "how": "full",
        "views": 2,
        "origin": {"licence": "CC0", "source": "a test"},
    }
    frozen = plan | {"transfer": transfer | {"how": "features"}}
    plan = plan | {"transfer": transfer, "rivals": [plan, frozen]}
    (where / "plan.json").write_text(json.dumps(plan))
    train_stage(where)
    package_stage(where)
    return where


def test_every_road_stands_in_the_record_and_one_is_kept(folder: Path) -> None:
    result = Workspace.open(folder).record_of("train")["result"]
    roads = result["roads"]
    assert sorted(r["name"] for r in roads) == [
        "fine-tuned",
        "from scratch",
        "frozen features",
        "frozen features",
        "halfway between both",
    ]
    assert [r["kept"] for r in roads].count(True) == 1 and roads[0]["kept"]
    assert [r["loss"] for r in roads] == sorted(r["loss"] for r in roads)
    assert roads[0]["more"] == [0, 0, 0] and all(r["more"][0] >= 0 for r in roads)


def test_the_network_kept_is_that_of_its_road_and_is_packaged(folder: Path) -> None:
    space = Workspace.open(folder)
    network, plan = load_network(space)
    kept = space.record_of("train")["result"]["roads"][0]
    assert not plan.rivals and (plan.transfer is None) == (kept["weights"] is None)
    package = Package.load(space.package_file)
    card = package.manifest.model_card["pretrained weights"]
    assert card == ({"licence": "CC0", "source": "a test"} if plan.transfer else "none")
    assert sum(p.numel() for p in network.parameters()) > 0


def test_the_report_says_what_the_roads_were(folder: Path) -> None:
    space = Workspace.open(folder)
    plan = json.loads((space.folder / "plan.json").read_text())
    rows = training_rows(space.record_of("train")["result"], plan)
    kept = [text for name, text in rows if name == "Road"]
    others = [text for name, text in rows if name == "Other road"]
    assert len(kept) == 1 and "kept, for it is the least" in kept[0] and len(others) == 4
    assert all("95% interval" in text for text in others)
    [weights] = [text for name, text in rows if name == "Pretrained weights"]
    assert "a test; licence CC0" in weights


def test_rivals_must_answer_the_same_question(folder: Path, tmp_path: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    other = tmp_path / "plan.json"
    plan["rivals"][0]["labels"] = [f"{name}!" for name in plan["labels"]]
    other.write_text(json.dumps(plan))
    with pytest.raises(InputError, match=r"rivals\[0\]: task, dimensions, inputs or labels are others"):
        read_plan(other)
    plan["rivals"][0] = plan["rivals"][1] | {"batch": 2, "accumulate": 3}
    other.write_text(json.dumps(plan))
    with pytest.raises(InputError, match=r"rivals\[0\].accumulate: found 3"):
        read_plan(other)
