"""Errors of a plan's network: key, found and expected in one line."""

from __future__ import annotations

import pytest

from overread.errors import InputError
from overread.nets.architecture import Need
from overread.nets.networks import NETWORKS, architecture, build, parameters_of

RESNET = {"widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1], "small_stem": True}
UNET = {"widths": [4, 4, 4], "strides": [[1, 1], [2, 2], [2, 2]], "kernels": [[3, 3]] * 3}
CENTERNET = UNET | {"stride": [2, 2], "object_size": [6, 6]}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "zfnet",
            {},
            "network: found 'zfnet', expected one of lenet, alexnet, .*, resnet, .*, unet, .*, centernet",
        ),
        ("unet", UNET | {"width": 3}, "argument 'width' is unknown; .*expected widths, strides, kernels"),
        (
            "resnet",
            {"widths": [8] * 4},
            "argument 'blocks' is missing; found widths, expected widths, blocks",
        ),
        ("resnet", RESNET | {"blocks": [1, 1]}, r"blocks: found \[1, 1\], expected 4 numbers"),
        ("unet", UNET | {"kernels": [[3, 3]] * 2}, "kernels: found 2 stages, expected 3"),
        ("unet", UNET | {"kernels": [[3, 3], [3, 2], [3, 3]]}, r"kernels\[1\]: found \[3, 2\], .* odd"),
        ("unet", UNET | {"strides": [[1], [2], [2]]}, r"strides\[0\]: found \[1\], expected 2"),
        (
            "unet",
            {"widths": [8, 8], "strides": [[1, 1]] * 2, "kernels": [[3, 3]] * 2},
            "found 2 stages, expected at least 3",
        ),
        (
            "centernet",
            CENTERNET | {"stride": [3, 3]},
            r"stride: found \[3, 3\], .*: \[1, 1\], \[2, 2\], \[4, 4\]",
        ),
        ("centernet", CENTERNET | {"object_size": [0, 6]}, r"object_size: found \[0, 6\]"),
        ("resnet", RESNET | {"widths": None}, "network resnet: cannot be built from"),
    ],
)
def test_wrong_ones_are_named(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        build(name, 2, 1, 2, arguments)
    assert "\n" not in str(caught.value)


def test_a_network_for_another_answer_is_refused() -> None:
    with pytest.raises(
        InputError, match="'resnet' gives classes, findings, value, expected one that gives label_map: unet"
    ):
        architecture("resnet", answer="label_map")


def test_a_network_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "mine", NETWORKS["resnet"])
    assert parameters_of(build("mine", 2, 1, 2, RESNET)) == parameters_of(build("resnet", 2, 1, 2, RESNET))
    assert architecture("mine").arguments(Need(2, (28, 28), (1, 1), False))["small_stem"]
