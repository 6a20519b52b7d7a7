"""bfloat16 is taken where the hardware has it and the loss follows, and both are written down."""

from __future__ import annotations

import pytest
import torch
from tests.learn.toys import plan, squares

from overread.errors import InputError
from overread.learn import hardware, precision
from overread.learn.hardware import lacks_bfloat16
from overread.learn.precision import CHECKED_STEPS, choose_precision


@pytest.mark.parametrize(
    ("capabilities", "able"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True, "avx512_f": True}, False)],
)
def test_processors(capabilities: dict, able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert (lacks_bfloat16() == "") is able


@pytest.mark.parametrize(("capability", "able"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_before_ampere_only_emulate(
    capability: tuple[int, int], able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert (lacks_bfloat16() == "") is able
    assert able or "a card (compute capability 7.5)" in lacks_bfloat16()


def test_without_the_hardware_it_is_float32_and_asking_for_more_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "lacks_bfloat16", lambda: "this processor has none")
    chosen = choose_precision(plan(), squares(16))
    assert (chosen.name, chosen.why, chosen.float32) == ("float32", "this processor has none", ())
    with pytest.raises(InputError, match="precision: found bfloat16, but this processor has none"):
        choose_precision(plan(precision="bfloat16"), squares(16))


def test_the_check_trains_in_both_and_records_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (precision, hardware):
        monkeypatch.setattr(module, "lacks_bfloat16", lambda: "")
    chosen = choose_precision(plan(), squares(48))
    assert len(chosen.float32) == len(chosen.bfloat16) == CHECKED_STEPS
    assert chosen.float32 != chosen.bfloat16
    assert chosen.name == "bfloat16" and "differ by" in chosen.why
    assert chosen.record()["bfloat16"] == chosen.bfloat16


@pytest.mark.parametrize(
    ("short", "seconds", "by_speed", "name"),
    [
        ([1.0, 0.98], (2.0, 1.0), True, "bfloat16"),
        ([1.0, 0.8], (2.0, 1.0), True, "float32"),
        ([1.0, float("nan")], (2.0, 1.0), True, "float32"),
        ([1.0, 1.0], (1.0, 2.0), True, "float32"),
        # A run that promises to repeat must not hang on what else the machine does.
        ([1.0, 1.0], (1.0, 2.0), False, "bfloat16"),
    ],
)
def test_the_judgement(short: list[float], seconds: tuple[float, float], by_speed: bool, name: str) -> None:
    assert precision._judged([1.0, 1.0], short, seconds, by_speed=by_speed)[0] == name
