"""One training at a time, that goes on where it stopped, and refuses in words what it cannot go on with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learn.toys import RESNET

from overread.cohort.adapters.medmnist import import_medmnist
from overread.errors import InputError, OverreadError, StoppedError
from overread.learn import checkpoint
from overread.learn.checkpoint import Checkpoints
from overread.learn.lock import one_training
from overread.ledger.ledger import Ledger
from overread.pipeline import training_display
from overread.pipeline.stages import init_stage, plan_stage
from overread.pipeline.stages.train import load_network, train_stage
from overread.pipeline.workspace import Workspace


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of two classes and a small plan: nothing is trained yet."""
    import numpy as np

    place = tmp_path_factory.mktemp("train")
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 24), ("val", 8), ("test", 8)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 120, (count, 28, 28)) + 100 * labels[:, None, None]
        arrays |= {f"{part}_images": images.astype(np.uint8), f"{part}_labels": labels[:, None]}
    np.savez(place / "pneumoniamnist.npz", **arrays)
    import_medmnist(place / "pneumoniamnist.npz", place / "cases")
    init_stage(place / "cases")
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
        plan_stage(place / "cases", epochs=3)
    change(
        place / "cases",
        batch=8,
        steps_per_epoch=4,
        network={"name": "resnet", "arguments": RESNET, "parameters": 1},
    )
    return place / "cases"


def change(folder: Path, **changes: Any) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps(plan | changes))


@pytest.fixture
def folder(planned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned, tmp_path / "cases"))


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ctrl-C after ``step``."""
    now = training_display.now

    def then(live, metric):
        if live.step == step and live.epoch is None:
            os.kill(os.getpid(), signal.SIGINT)
        return now(live, metric)

    monkeypatch.setattr(training_display, "now", then)


def test_ctrl_c_keeps_what_was_learnt_and_says_how_to_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    through = Path(shutil.copytree(folder, tmp_path / "through"))
    train_stage(through)
    with pytest.MonkeyPatch.context() as once:
        stop_at(once, 6)
        with pytest.raises(StoppedError) as stopped:
            train_stage(folder)
    said = str(stopped.value)
    assert stopped.value.exit_code == 130
    assert "stopped after step 6 of 12" in said and f"overread train {folder} --resume" in said
    [event] = Ledger.open(folder / "ledger.db").events("pipeline.train.stopped")
    assert "step 6 of 12" in str(event.payload)
    assert not (folder / "model" / "weights.pt").exists()
    with pytest.raises(InputError, match=r"stopped here at step 6 of 12.*--resume.*--anew"):
        train_stage(folder)
    train_stage(folder, resume=True)
    ours, theirs = (load_network(Workspace.open(f))[0].state_dict() for f in (folder, through))
    assert all(torch.equal(v, theirs[k]) for k, v in ours.items())
    history = json.loads((folder / "model" / "history.json").read_text())
    assert (history["resumed"], history["ended_by"], history["epochs"]) == ([6], "schedule", 3)
    assert not (folder / "model" / "checkpoints").exists()
    capsys.readouterr()
    train_stage(folder, resume=True)
    assert "finished: nothing to resume" in capsys.readouterr().out


def stopped(folder: Path, step: int = 5) -> None:
    with pytest.MonkeyPatch.context() as once:
        stop_at(once, step)
        with pytest.raises(StoppedError):
            train_stage(folder)


def test_another_plan_or_cohort_cannot_be_gone_on_with(folder: Path) -> None:
    stopped(folder)
    plan = (folder / "plan.json").read_text()
    change(folder, learning_rate=0.5)
    with pytest.raises(InputError, match=r"step 5 of 12.*learning_rate: found 0\.5, the training began with"):
        train_stage(folder, resume=True)
    (folder / "plan.json").write_text(plan)
    table = folder / "cohort.csv"
    before = table.read_text()
    table.write_text("\n".join(before.splitlines()[:3] + before.splitlines()[4:]) + "\n")
    with pytest.raises(InputError, match=r"cohort\.csv: cases, splits or truths are not those"):
        train_stage(folder, resume=True)
    table.write_text(before)
    train_stage(folder, anew=True)
    assert json.loads((folder / "model" / "history.json").read_text())["resumed"] == []


def test_a_plan_that_changed_drops_what_was_unfinished(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped(folder)
    change(folder, learning_rate=1e-3)
    train_stage(folder)
    assert "unfinished training (step 5 of 12" in capsys.readouterr().out


def test_exact_does_the_planned_epochs_and_goes_on_so(folder: Path) -> None:
    change(folder, follow_clock=True, train_seconds=0.001, most_epochs=50)
    with pytest.MonkeyPatch.context() as once:
        stop_at(once, 5)
        with pytest.raises(StoppedError):
            train_stage(folder, exact=True)
    train_stage(folder, resume=True)
    history = json.loads((folder / "model" / "history.json").read_text())
    assert (history["epochs"], history["repeatable"], history["ended_by"]) == (3, True, "schedule")
    assert load_network(Workspace.open(folder))[1].follow_clock is False


def test_the_weights_are_selected_by_the_tasks_own_answer(folder: Path) -> None:
    change(folder, selection={"metric": "auroc", "label": None})
    train_stage(folder)
    history = json.loads((folder / "model" / "history.json").read_text())
    measured = [e["metric"] for e in history["history"]]
    assert all(m is not None and 0 <= m <= 1 for m in measured)
    chosen = history["selected"]
    assert (chosen["by"], chosen["cases"]) == ("auroc", 8) and chosen["value"] == max(measured)
    change(folder, selection={"metric": "dice", "label": None})
    with pytest.raises(
        InputError, match=r"selection: found metric 'dice', label None; expected one of auroc"
    ):
        train_stage(folder)


def test_the_second_training_is_told_who_holds_the_folder(folder: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom overread.learn.lock import one_training\n"
        "with one_training(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "model")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(OverreadError, match=rf"process {holder.pid} on .*, since 20.*trains here"):
        train_stage(folder)
    # It dies without a chance to clean up; nothing stays locked.
    holder.kill()
    holder.communicate()
    assert (folder / "model" / ".training.json").is_file()
    with one_training(folder / "model"):
        pass


def test_killed_while_it_writes_a_checkpoint_it_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill leaves behind: half a file beside the last whole pair, and no lock."""
    through = Path(shutil.copytree(folder, tmp_path / "through"))
    train_stage(through)
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    save, saved = Checkpoints.save, []

    class KilledError(BaseException):
        pass

    def half(self: Checkpoints, step: int, steps: int, state: dict[str, Any]) -> None:
        if len(saved) == 5:
            (self.folder / f".step-{step:08d}.pt.x.part").write_bytes(b"half of it")
            raise KilledError
        saved.append(step)
        save(self, step, steps, state)

    with pytest.MonkeyPatch.context() as once:
        once.setattr(Checkpoints, "save", half)
        with pytest.raises(KilledError):
            train_stage(folder)
    assert list((folder / "model" / "checkpoints").glob(".*.part"))
    train_stage(folder, resume=True)
    ours, theirs = (load_network(Workspace.open(f))[0].state_dict() for f in (folder, through))
    assert all(torch.equal(v, theirs[k]) for k, v in ours.items())
    assert not (folder / "model" / "checkpoints").exists()
