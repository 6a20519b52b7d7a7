"""Checkpoints are whole or not there, and a damaged one is passed over in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from overread.learn import checkpoint
from overread.learn.checkpoint import Checkpoints, checkpoints


def kept(folder: Path, steps: int = 3) -> Checkpoints:
    out = Checkpoints(folder / "kept", {"plan": 1}, every=0.0)
    for step in range(1, steps + 1):
        out.save(step, 9, {"step": step, "w": torch.full((50,), float(step))})
    return out


def test_the_last_two_are_kept_and_the_newest_is_loaded(tmp_path: Path) -> None:
    loaded = kept(tmp_path).latest()
    assert [c.step for c in checkpoints(tmp_path / "kept")] == [3, 2]
    assert len(list((tmp_path / "kept").iterdir())) == 4
    assert loaded is not None and loaded.state["step"] == 3 and not loaded.damaged
    assert (loaded.found.of, loaded.found.steps_planned) == ({"plan": 1}, 9)


def test_a_damaged_newest_gives_way_to_the_older_in_words(tmp_path: Path) -> None:
    out = kept(tmp_path)
    path = tmp_path / "kept" / "step-00000003.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    loaded = out.latest()
    assert loaded is not None and loaded.state["step"] == 2
    [said] = loaded.damaged
    assert str(path) in said and "damaged" in said and "older" in said
    path.unlink()
    assert "is missing" in out.latest().damaged[0]


def test_a_kill_while_writing_leaves_the_last_whole_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = kept(tmp_path)

    class KilledError(BaseException):
        pass

    def dies(*args: object) -> None:
        raise KilledError

    # Before the description is there, whatever else is: half a pair.
    monkeypatch.setattr(checkpoint, "write_json", dies)
    with pytest.raises(KilledError):
        out.save(4, 9, {"step": 4})
    monkeypatch.undo()
    assert (tmp_path / "kept" / "step-00000004.pt").is_file()
    (tmp_path / "kept" / ".step-00000005.pt.abc.part").write_bytes(b"half")
    assert out.latest().state["step"] == 3
    out.save(5, 9, {"step": 5})
    assert {p.name for p in (tmp_path / "kept").iterdir()} == {
        f"step-{n:08d}.{end}" for n in (3, 5) for end in ("pt", "json")
    }
    out.clear()
    assert not (tmp_path / "kept").exists() and out.latest() is None


def test_one_is_due_after_its_time_and_seldomer_where_writing_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    out = Checkpoints(tmp_path / "kept", {}, every=100.0)
    now[0] = 99.0
    assert not out.due()
    now[0] = 100.0
    assert out.due()
    monkeypatch.setattr(checkpoint, "sha256_file", lambda path: now.__setitem__(0, now[0] + 10.0) or "slow")
    out.save(1, 9, {})
    now[0] += 499.0
    assert not out.due()
    now[0] += 1.0
    assert out.due()
