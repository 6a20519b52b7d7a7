"""Other people's files run nothing when they are read."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from overread.bridge.source import opened, unpack
from overread.bridge.weights import load_state, read_checkpoint, read_script, state_of
from overread.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class _Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_a_checkpoint_that_runs_code_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    torch.save({"state_dict": {"w": torch.zeros(1)}, "log": _Runs(tmp_path / "ran")}, tmp_path / "bad.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(_Runs(tmp_path / "ran")))
    for name in ("bad.pt", "raw.pt"):
        with pytest.raises(InputError, match="could run code"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_what_is_no_checkpoint_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(InputError, match=r"text\.pt"):
        read_checkpoint(tmp_path / "text.pt")
    with pytest.raises(InputError, match="is no TorchScript file"):
        read_script(tmp_path / "text.pt")


def test_a_script_that_reaches_for_files_is_refused(tmp_path: Path) -> None:
    class Writes(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.from_file("/etc/hostname", False, 1)

    torch.jit.save(torch.jit.script(Writes()), tmp_path / "net.ts")
    with pytest.raises(InputError, match="reaches for files"):
        read_script(tmp_path / "net.ts")


def test_weights_are_found_under_the_usual_names_and_held_against_the_network(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    state = network.state_dict()
    wrapped = {"model": {f"module.{k}": v for k, v in state.items()}}
    assert set(state_of(wrapped, tmp_path)) == set(state)
    with pytest.raises(InputError, match="expected a dictionary of tensors"):
        state_of({"epoch": 3}, tmp_path)
    with pytest.raises(InputError, match="lacks 1 of the network's weights, such as bias"):
        load_state(network, {"weight": state["weight"]}, tmp_path)
    with pytest.raises(InputError, match="other shapes of 1"):
        load_state(network, {"weight": torch.zeros(3, 2), "bias": state["bias"]}, tmp_path)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "C:\\out.txt", "..\\out.txt"]
)
def test_a_zip_never_leaves_its_folder(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="leaves the folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "in")
    assert not list((tmp_path / "in").iterdir()) and not (tmp_path / "out.txt").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("model.pt")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"), opened(tmp_path / "bad.zip"):
        pass


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"), opened(tmp_path / "nowhere"):
        pass
