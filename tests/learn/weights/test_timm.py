"""Weights of timm: kept by hash, and clear words where they cannot be fetched."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from overread.errors import InputError
from overread.learn.weights.find import find_weights, read_weights


class Fake:
    """timm with one model, and a network or none."""

    __version__ = "1.0"

    def __init__(self, *, online: bool) -> None:
        self.online, self.asked = online, 0

    def is_model(self, name: str) -> bool:
        return name == "resnet18"

    def list_models(self, pattern: str) -> list[str]:
        return ["resnet18"]

    def create_model(self, name: str, **arguments: object):
        self.asked += 1
        if not self.online:
            raise OSError("no route to host")
        said = {
            "hf_hub_id": "timm/resnet18",
            "license": "apache-2.0",
            "mean": (0.4, 0.5, 0.6),
            "std": (0.2,) * 3,
        }
        return SimpleNamespace(
            pretrained_cfg=said, state_dict=lambda: {"conv1.weight": torch.ones(2, 3, 3, 3)}
        )


@pytest.fixture
def timm(monkeypatch, tmp_path):
    def installed(*, online: bool) -> Fake:
        fake = Fake(online=online)
        monkeypatch.setitem(sys.modules, "timm", fake)  # type: ignore[arg-type]
        return fake

    monkeypatch.setenv("OVERREAD_CACHE", str(tmp_path))
    return installed


def test_weights_are_fetched_once_and_kept_with_their_licence(timm) -> None:
    fake = timm(online=True)
    for _ in range(2):
        path, origin = find_weights("timm:resnet18")
    assert fake.asked == 1 and read_weights(path)["conv1.weight"].shape == (2, 3, 3, 3)
    assert (origin.licence, origin.source, origin.mean) == ("apache-2.0", "timm 1.0, timm/resnet18", 0.5)


def test_a_kept_file_that_was_changed_is_refused(timm) -> None:
    timm(online=True)
    path, _ = find_weights("timm:resnet18")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"resnet18.pt: found SHA-256 .*, expected .* remove the file"):
        find_weights("timm:resnet18")


def test_without_a_network_it_says_what_to_do(timm, tmp_path) -> None:
    timm(online=False)
    with pytest.raises(
        InputError, match=r"cannot be fetched \(OSError: no route to host\); .*copy .* efficientnet_lite0"
    ):
        find_weights("timm:resnet18")
    with pytest.raises(InputError, match="timm knows no model 'resnet999'; such as resnet18"):
        find_weights("timm:resnet999")
    assert not list(tmp_path.rglob("*.pt"))
