"""What learns, how fast and since when; changes of low rank beside kernels that stay."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.learn.toys import plan, squares

from overread.learn.fit import fit
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Plan, Transfer
from overread.learn.step import Step
from overread.learn.transfer.lora import add_lora, merge_lora
from overread.learn.transfer.start import built
from overread.learn.transfer.tune import groups
from overread.nets.networks import architecture


@pytest.fixture(scope="module")
def start():
    torch.manual_seed(5)
    return built(plan()).state_dict()


def transferred(**how: object) -> Plan:
    return plan(
        transfer=Transfer.model_validate({"weights": "unused", **how}),
        epochs=2,
        steps_per_epoch=3,
        precision="float32",
    )


def named_groups(**how: object):
    wanted = transferred(**how)
    network = built(wanted)
    names = {id(p): n for n, p in network.named_parameters()}
    found = groups(network, wanted, architecture("resnet"))
    return {names[id(p)]: g for g in found for p in g["params"]}


def test_each_stage_learns_slower_than_the_one_above() -> None:
    of = named_groups(layer_decay=0.5)
    head, last, first = of["head.weight"], of["body.layer4.0.conv1.weight"], of["body.layer1.0.conv1.weight"]
    assert (head["scale"], last["scale"], first["scale"]) == (1, 0.5, 0.5**4)
    assert of["body.conv1.weight"]["scale"] == first["scale"]
    assert of["body.layer1.0.bn1.weight"]["weight_decay"] == 0 < first["weight_decay"]
    assert {g["since"] for g in of.values()} == {0.0}
    assert set(of) == {n for n, _ in built(plan()).named_parameters()}


def test_gradual_frees_one_stage_after_the_other_from_the_head_down() -> None:
    of = named_groups(how="gradual")
    since = [of[f"body.layer{i}.0.conv1.weight"]["since"] for i in (4, 3, 2, 1)]
    assert of["head.weight"]["since"] == 0 < since[0] and since == sorted(since) and since[-1] == 0.5
    assert len(set(since)) == 4


def changed(before, after) -> set[str]:
    return {
        k.split(".")[1] if k.startswith("body.") else "head"
        for k in before
        if not torch.equal(before[k], after[k])
    }


def test_a_stage_that_is_not_free_yet_does_not_move(start) -> None:
    wanted = transferred(how="gradual")
    step = Step(wanted, precision="float32", start=start)
    image, targets = next(PatchBatches(wanted, squares(16)).epoch(0))
    step(image, targets, 1e-2, progress=0.0)
    assert changed(start, step.state()["network"]) == {"head"}
    step(image, targets, 1e-2, progress=0.2)
    assert changed(start, step.state()["network"]) == {"head", "layer4"}
    step(image, targets, 1e-2, progress=1.0)
    assert changed(start, step.state()["network"]) >= {
        "head",
        "conv1",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
    }


def test_statistics_of_norms_stay_unless_they_are_to_learn(start) -> None:
    for norms in ("kept", "learnt"):
        wanted = transferred(norms=norms)
        step = Step(wanted, precision="float32", start=start)
        image, targets = next(PatchBatches(wanted, squares(16)).epoch(0))
        step(image, targets, 1e-3)
        same = torch.equal(step.state()["network"]["body.bn1.running_mean"], start["body.bn1.running_mean"])
        assert same == (norms == "kept")


def test_low_rank_changes_nothing_at_first_and_is_merged_at_the_end() -> None:
    torch.manual_seed(0)
    network = built(plan()).eval()
    before = copy.deepcopy(network)
    x = torch.randn(2, 1, 12, 12)
    add_lora(network, rank=2)
    learning = [n for n, p in network.named_parameters() if p.requires_grad]
    assert all("parametrizations" in n or n.startswith("head.") for n in learning) and len(learning) > 2
    torch.testing.assert_close(network(x), before(x))
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter, std=0.1)
    said = network(x)
    merge_lora(network)
    assert set(network.state_dict()) == set(before.state_dict())
    torch.testing.assert_close(network(x), said, rtol=1e-4, atol=1e-5)
    difference = network.body.layer4[0].conv1.weight - before.body.layer4[0].conv1.weight
    assert torch.linalg.matrix_rank(difference.flatten(1)) == 2
    assert not torch.allclose(said, before(x))


@pytest.mark.parametrize("how", ["full", "gradual", "lora"])
def test_a_training_goes_on_from_its_start_and_gives_a_plain_network(how: str, start) -> None:
    examples = squares(16)
    fitted = fit(transferred(how=how, rank=2), examples, examples, start=start)
    assert set(fitted.network.state_dict()) == set(start)
    moved = changed(start, fitted.network.state_dict())
    assert "head" in moved and "layer4" in moved
