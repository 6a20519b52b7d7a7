"""Whole plans: what is chosen for known kinds of data, and that a slow machine gets smaller patches."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from tests.learn.looks import look

from overread.cohort.fingerprint import Fingerprint
from overread.learn import make_plan as module
from overread.learn.augment.change import draw
from overread.learn.losses import build_loss
from overread.learn.plan import Plan
from overread.learn.planner.answering import Answering
from overread.learn.tasks import whole_image
from overread.learn.timing import Timing
from overread.task import TASKS

HIPPOCAMPUS = look((36, 50, 35), (1, 1, 1), modality="MR")
PROSTATE = look((320, 320, 20), (0.6, 0.6, 3.6), modality="MR")
CHEST = look((28, 28), (1, 1), modality="CR")
XRAY = look((1024, 900), (1, 1), modality="CR")
BLOOD = look((480, 640), (1, 1), color="rgb", size_mm={"red": 100.0, "platelet": 40.0})
NODULES = look((300, 300, 200), (0.8, 0.8, 1.5), modality="CT", size_mm={"nodule": 8.0})


def planned(
    seen: Fingerprint,
    task: str,
    labels: list[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: float = 0.5,
    seconds: float = 860,
    answered: int = 60,
) -> Plan:
    """The plan where every step takes ``step`` seconds; tasks need the machine only for that."""
    monkeypatch.setattr(module, "time_step", lambda plan, size: Timing(step, 0.0, 1.0))
    return module.make_plan(
        seen,
        task=task,
        dimensions=seen.dimensions,
        channels=["image"],
        labels=labels,
        modality=list(seen.modalities),
        train_cases=200,
        answered_cases=answered,
        seconds_left=seconds,
    )


@pytest.mark.parametrize(
    ("seen", "task", "labels", "patch", "batch", "widths", "loss"),
    [
        (CHEST, "classification", ["no", "yes"], [28, 28], 64, [32, 64, 128, 256], "cross_entropy"),
        (XRAY, "classification", ["no", "yes"], [224, 197], 64, [32, 64, 128, 256], "cross_entropy"),
        (XRAY, "multilabel", ["oedema"], [224, 197], 64, [32, 64, 128, 256], "binary_cross_entropy"),
        (
            HIPPOCAMPUS,
            "segmentation",
            ["bg", "a", "p"],
            [40, 56, 40],
            2,
            [16, 32, 64, 128],
            "dice_cross_entropy",
        ),
        (
            PROSTATE,
            "segmentation",
            ["bg", "p"],
            [96, 112, 16],
            2,
            [16, 32, 64, 128, 256],
            "dice_cross_entropy",
        ),
        (BLOOD, "detection", ["red", "platelet"], [224, 288], 4, [16, 32, 64, 128, 256], "center_focal"),
        (NODULES, "detection", ["nodule"], [64, 64, 40], 2, [16, 32, 64, 128], "center_focal"),
    ],
)
def test_choices(seen, task, labels, patch, batch, widths, loss, monkeypatch) -> None:
    plan = planned(seen, task, labels, monkeypatch)
    assert (plan.task, plan.patch, plan.batch) == (task, patch, batch)
    assert plan.network.arguments["widths"] == widths and plan.network.parameters > 0
    assert plan.loss.name == loss and build_loss(plan.loss, answer=TASKS[task].answer)
    assert len(plan.reasons) >= 4 and all(r.endswith(".") for r in plan.reasons)
    assert draw(plan.augment, plan.dimensions, seed=plan.seed, epoch=0, index=0).grey_values
    assert Plan.model_validate(json.loads(json.dumps(plan.model_dump(mode="json")))) == plan


def test_small_images_keep_their_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (planned(s, "classification", ["a", "b"], monkeypatch) for s in (CHEST, XRAY))
    assert small.network.arguments["small_stem"] and not large.network.arguments["small_stem"]


def test_a_blood_smear_is_seen_whole_and_its_smallest_cells_span_three_cells(monkeypatch) -> None:
    plan = planned(BLOOD, "detection", ["red", "platelet"], monkeypatch)
    assert plan.preprocess.size == plan.patch and plan.channels == ["image_red", "image_green", "image_blue"]
    shrunk = 40 * 224 / 480
    assert plan.network.arguments["stride"] == [4, 4] and shrunk / 4 >= 3
    assert plan.foreground_share == 0 and not plan.augment.rotate_deg


def test_nodules_are_sought_in_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(NODULES, "detection", ["nodule"], monkeypatch)
    assert plan.preprocess.spacing == [0.8, 0.8, 1.5] and plan.preprocess.size is None
    assert plan.network.arguments["stride"] == [2, 2, 2] and plan.foreground_share == 0.5


@pytest.mark.parametrize(
    ("task", "shrinks"), [("segmentation", True), ("detection", True), ("classification", False)]
)
def test_a_slow_machine_gets_smaller_patches(task: str, shrinks: bool, monkeypatch) -> None:
    slow, fast = (planned(PROSTATE, task, ["a", "b"], monkeypatch, step=s) for s in (5.0, 0.01))
    assert (math.prod(slow.patch) < math.prod(fast.patch)) == shrinks
    assert slow.epochs >= 2 and fast.epochs > slow.epochs


def test_the_seconds_of_drawing_count_for_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = planned(CHEST, "classification", ["a", "b"], monkeypatch, step=1.0, seconds=430)
    monkeypatch.setattr(module, "time_step", lambda plan, size: Timing(1.0, 1.0, 1.0))
    drawn = module.make_plan(
        CHEST,
        task="classification",
        dimensions=2,
        channels=["image"],
        labels=["a", "b"],
        modality=[],
        train_cases=200,
        answered_cases=60,
        seconds_left=430,
    )
    assert drawn.epochs == plain.epochs // 2 and drawn.seconds_per_step == 2.0


def test_a_real_step_is_timed_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
    plan = module.make_plan(
        CHEST,
        task="classification",
        dimensions=2,
        channels=["image"],
        labels=["a", "b"],
        modality=["CR"],
        train_cases=64,
        answered_cases=10,
        seconds_left=60,
    )
    assert plan.seconds_per_step > 0 and plan.memory_gib > 0 and plan.epochs >= 2


@pytest.mark.parametrize(
    ("seconds", "widths", "small_stem"),
    [(200, [32, 64, 128, 256], False), (1200, [16, 32, 64, 128], True), (9000, [32, 64, 128, 256], True)],
)
def test_small_volumes_are_seen_often_before_they_are_seen_finely(
    seconds: float, widths: list[int], small_stem: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(plan: Plan, size: object) -> Timing:
        fine = plan.network.arguments["small_stem"]
        return Timing((0.02, 0.3, 1.2)[fine + (fine and plan.network.arguments["widths"][0] > 16)], 0.0, 1.0)

    monkeypatch.setattr(module, "time_step", step)
    plan = module.make_plan(
        look((28, 28, 28), (1.0, 1.0, 1.0), modality="CT"),
        task="classification",
        dimensions=3,
        channels=["image"],
        labels=["a", "b"],
        modality=["CT"],
        train_cases=1000,
        answered_cases=100,
        seconds_left=seconds,
    )
    assert (plan.network.arguments["widths"], plan.network.arguments["small_stem"]) == (widths, small_stem)


def test_a_budget_that_is_used_up_is_said_and_leaves_the_shortest_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = planned(CHEST, "classification", ["no", "yes"], monkeypatch, seconds=-680)
    assert plan.train_seconds == 0 and plan.epochs == 2
    assert any("used up 680 s before training" in reason for reason in plan.reasons)


def test_scarce_time_is_not_spent_on_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["bg", "organ"]
    roomy = planned(PROSTATE, "segmentation", labels, monkeypatch, step=0.05, seconds=3000)
    scarce = planned(PROSTATE, "segmentation", labels, monkeypatch, step=0.5, seconds=300)
    assert (roomy.overlap, scarce.overlap) == (0.5, 0.25)
    assert any("Windows overlap by 25%" in reason for reason in scarce.reasons)
    assert not any("Windows overlap" in reason for reason in roomy.reasons)
    # What is answered by one window has none that overlap.
    assert planned(CHEST, "classification", ["no", "yes"], monkeypatch, seconds=30).overlap == 0.5


def pictures(shape: tuple[int, int], extent: float, width: float, fraction: float) -> Fingerprint:
    """Gray pictures with one kind of object on them."""
    return replace(
        look(shape, (1, 1)),
        extent_mm={"thing": {"p5": extent / 2, "p50": extent, "p95": extent, "typical": extent}},
        width_mm={"background": 200.0, "thing": width},
        foreground_fraction={"thing": fraction},
    )


HEADS, VESSELS, NUCLEI = (
    pictures((270, 400), 178, 73, 0.18),
    pictures((960, 999), 301, 5.8, 0.07),
    pictures((256, 256), 46, 9, 0.14),
)


@pytest.mark.parametrize(
    ("seen", "zoom", "patch", "batch", "window"),
    [
        (HEADS, 0.25, [80, 112], 8, [80, 112]),
        (VESSELS, None, [256, 256], 2, [960, 256]),
        (NUCLEI, None, [160, 192], 4, [256, 256]),
    ],
)
def test_minutes_go_where_the_objects_are(seen, zoom, patch, batch, window, monkeypatch) -> None:
    plan = planned(seen, "segmentation", ["bg", "thing"], monkeypatch, step=0.3, seconds=220, answered=6)
    assert plan.preprocess.zoom == zoom and (plan.patch, plan.batch, plan.window) == (patch, batch, window)
    assert plan.network.arguments["strides"][0] == [2, 2] and plan.network.arguments["widths"][0] == 16
    # None is rare, and none is named by its side.
    assert plan.foreground_share == 0 and plan.augment.flip == [0, 1]


def test_hours_buy_resolution_and_a_wider_network(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(HEADS, "segmentation", ["bg", "thing"], monkeypatch, step=0.3, seconds=100_000)
    assert plan.preprocess.zoom is None and plan.network.arguments["widths"][0] == 32
    assert plan.network.arguments["strides"][0] == [1, 1]


def test_few_steps_are_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = (
        planned(HIPPOCAMPUS, "segmentation", ["bg", "a"], monkeypatch, step=0.3, seconds=s)
        for s in (250, 9000)
    )
    assert short.learning_rate > 2 * long.learning_rate == 2 * 2e-3
    # Other tasks keep the rate of their module.
    assert planned(CHEST, "classification", ["a", "b"], monkeypatch, seconds=90).learning_rate == 2e-3


def test_answers_are_paid_for_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time_step", lambda plan, size: Timing(0.1, 0.0, 1.0))

    def plan(seconds_a_case: float) -> Plan:
        return module.make_plan(
            HIPPOCAMPUS,
            task="segmentation",
            dimensions=3,
            channels=["image"],
            labels=["bg", "a"],
            modality=["MR"],
            train_cases=200,
            answered_cases=60,
            seconds_left=900,
            answering=lambda plan: Answering(2.0, seconds_a_case),
        )

    quick, slow = plan(0.5), plan(3.0)
    assert quick.train_seconds - slow.train_seconds == pytest.approx(60 * 2.5)
    assert slow.answer_seconds == 3.0 and any("measured by answering one" in r for r in slow.reasons)


def test_with_epochs_given_nothing_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time_step", lambda plan, size: pytest.fail("timed"))
    plan = module.make_plan(
        HEADS,
        task="segmentation",
        dimensions=2,
        channels=["image"],
        labels=["bg", "thing"],
        modality=[],
        train_cases=80,
        answered_cases=40,
        seconds_left=1.0,
        answering=lambda plan: pytest.fail("answered"),
        epochs=7,
    )
    assert (
        plan.epochs == 7 and plan.seconds_per_step == plan.train_seconds == 0 and plan.preprocess.zoom == 0.25
    )


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_whole_volumes_of_thick_slices_stay_in_their_plane(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thick = look((256, 256, 24), (0.9, 0.9, 9.0), modality="MR")
    assert planned(thick, task, ["a", "b"], monkeypatch).augment.coarse_axis == 2
    even = look((120, 120, 100), (1.0, 1.0, 1.2), modality="CT")
    assert planned(even, task, ["a", "b"], monkeypatch).augment.coarse_axis is None


THICK = look((256, 256, 24), (0.9, 0.9, 9.0), modality="MR")


@pytest.mark.parametrize(
    ("seen", "network", "why"),
    [
        (look((28, 28, 28), (1.0, 1.0, 1.0)), "resnet", "3D: slices are as far apart as voxels within them"),
        (THICK, "slices", "2.5D: slices are 9 mm apart and voxels within them 2.4 mm"),
        (look((64, 64, 2), (1.0, 1.0, 1.0)), "slices", "2D: 2 slices, which are no volume."),
    ],
)
def test_volumes_are_seen_in_the_form_that_suits_them(seen, network, why, monkeypatch) -> None:
    plan = planned(seen, "classification", ["a", "b"], monkeypatch)
    assert plan.network.name == network and any(r.startswith(why) for r in plan.reasons)
    if network == "slices":
        assert plan.network.arguments["axis"] == 2
        assert plan.network.arguments["stack"] == (1 if why.startswith("2D") else 3)


def test_volumes_too_large_for_3d_are_seen_in_slices_only_where_these_take_less(monkeypatch) -> None:
    seen = look((64, 64, 64), (1.0, 1.0, 1.0))
    needs = {"resnet": 3 * 2**30, "slices": 2**30}
    monkeypatch.setattr(whole_image, "available_bytes", lambda: 2 * 2**30)
    monkeypatch.setattr(whole_image, "_least_bytes", lambda name, room, need: needs[name])
    plan = planned(seen, "classification", ["a", "b"], monkeypatch)
    assert plan.network.name == "slices"
    assert any(
        r.startswith("2.5D: a step in 3D takes 3.0 GiB, and 1.6 GiB are available") for r in plan.reasons
    )
    needs["slices"] = 4 * 2**30
    assert planned(seen, "classification", ["a", "b"], monkeypatch).network.name == "resnet"
