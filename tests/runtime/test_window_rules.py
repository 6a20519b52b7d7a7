"""Windows by the rules of other frameworks: as they do, and a constant stays constant."""

from __future__ import annotations

import numpy as np
import pytest

from overread.runtime.manifest import Windows
from overread.runtime.outputs import Outputs
from overread.runtime.window_rules import ruled_window, starts_of, weights_of


def _edges(batch: np.ndarray) -> Outputs:
    """An output that depends on the window: its own voxels, plus a ramp along each axis."""
    ramp = sum(np.indices(batch.shape[2:])).astype(np.float32)
    return {"logits": np.concatenate([batch + 0.1 * ramp, batch * batch], axis=1)}


@pytest.mark.parametrize("rule", ["monai", "nnunet"])
@pytest.mark.parametrize("weight", ["gaussian", "constant"])
@pytest.mark.parametrize("spatial", [(16, 16), (5, 31), (17, 9)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_a_constant_stays_constant(rule: str, weight: str, spatial: tuple[int, int], overlap: float) -> None:
    windows = Windows.model_validate({"size": [8, 7], "overlap": overlap, "rule": rule, "weight": weight})
    out = ruled_window(
        np.zeros((1, *spatial), np.float32), lambda b: {"logits": np.full_like(b, 3.0)}, windows
    ).outputs["logits"]
    assert out.shape == (1, *spatial)
    np.testing.assert_allclose(out, 3.0, rtol=1e-5)


@pytest.mark.parametrize("mode", ["gaussian", "constant"])
@pytest.mark.parametrize(
    ("spatial", "size", "overlap"),
    [((19, 33), (8, 16), 0.5), ((6, 41), (8, 16), 0.25), ((9, 12, 20), (8, 8, 6), 0.6)],
)
def test_monai_s_windows(mode: str, spatial: tuple[int, ...], size: tuple[int, ...], overlap: float) -> None:
    torch = pytest.importorskip("torch")
    from monai.inferers import sliding_window_inference

    array = np.random.default_rng(0).normal(size=(1, *spatial)).astype(np.float32)
    windows = Windows.model_validate(
        {"size": list(size), "overlap": overlap, "rule": "monai", "weight": mode}
    )
    expected = sliding_window_inference(
        torch.from_numpy(array[None]),
        size,
        1,
        lambda x: torch.from_numpy(_edges(x.numpy())["logits"]),
        overlap=overlap,
        mode=mode,
    )[0].numpy()
    np.testing.assert_allclose(ruled_window(array, _edges, windows).outputs["logits"], expected, atol=2e-5)


def test_nnunet_s_starts_are_spread_evenly_and_its_weights_stand_around_the_middle_voxel() -> None:
    windows = Windows(size=[8], overlap=0.5, rule="nnunet")
    # By compute_steps_for_sliding_window: 1 + ceil((21 - 8) / 4) windows, 13 / 4 apart.
    assert starts_of(21, 8, windows) == [0, 3, 6, 10, 13]
    assert starts_of(8, 8, windows) == [0]
    weight = weights_of([16], windows)
    assert weight.argmax() == 8 and weight[8] == 1 and weight[0] > 0
    np.testing.assert_allclose(weight[7], weight[9])
    np.testing.assert_allclose(weight[7], np.exp(-0.5 / 2**2), rtol=1e-6)
