"""The solved head against scikit-learn's, and through standardising, rotation and folding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import plan, squares

from overread.learn.losses import build_loss
from overread.learn.plan import Augment, Named
from overread.learn.transfer.features import Features, features_of
from overread.learn.transfer.head import set_head
from overread.learn.transfer.probe import _folds, solve_head
from overread.nets.networks import build

CROSS_ENTROPY = build_loss(Named(name="cross_entropy"), answer="classes")


def clouds(n: int, width: int, *, classes: int = 3, views: int = 1, seed: int = 0) -> Features:
    """Three clouds that overlap, far from the origin, one direction constant."""
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=n)
    centres = rng.normal(0, 1, (classes, width))
    x = centres[label][:, None] + rng.normal(0, 2, (n, views, width)) + 5
    x[..., 0] = 7
    return Features(x.astype(np.float32), {"label": torch.from_numpy(label)})


@pytest.mark.parametrize(("n", "width"), [(200, 12), (40, 60)], ids=["cases", "features"])
def test_it_is_the_regression_of_scikit_learn(n: int, width: int) -> None:
    linear, preprocessing = (pytest.importorskip(f"sklearn.{m}") for m in ("linear_model", "preprocessing"))
    features = clouds(n, width)
    solved = solve_head(
        features, loss=CROSS_ENTROPY, outputs=3, patients=[str(i) for i in range(n)], grid=[0.3]
    )
    x, y = features.x[:, 0].astype(float), features.targets["label"].numpy()
    scaler = preprocessing.StandardScaler().fit(x)
    reference = linear.LogisticRegression(C=0.3, max_iter=5000, tol=1e-8).fit(scaler.transform(x), y)
    expected = reference.predict_log_proba(scaler.transform(x))
    logits = x @ solved.weight.T + solved.bias
    found = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert solved.c == 0.3
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_penalty_is_chosen_by_what_helps_patients_left_out() -> None:
    """Noise alone wants the strongest penalty, clear clouds a weaker one."""
    patients = [str(i // 2) for i in range(120)]
    rng = np.random.default_rng(0)
    noise = Features(
        rng.normal(size=(120, 1, 30)).astype(np.float32),
        {"label": torch.from_numpy(rng.integers(2, size=120))},
    )
    strong = solve_head(noise, loss=CROSS_ENTROPY, outputs=2, patients=patients)
    weak = solve_head(clouds(120, 30), loss=CROSS_ENTROPY, outputs=3, patients=patients)
    assert strong.c <= 1e-3 < weak.c
    assert weak.losses[weak.c] == min(weak.losses.values())


def test_no_patient_is_on_both_sides_of_a_fold() -> None:
    patients = [str(i % 17) for i in range(100)]
    folds = _folds({"label": torch.arange(100) % 3}, patients, seed=0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(100)) and len(folds) == 5
    seen = [{patients[i] for i in fold} for fold in folds]
    assert sum(map(len, seen)) == 17


def test_findings_not_stated_say_nothing() -> None:
    """A half of the first finding is not stated; the solution is that of the rest alone."""
    loss = build_loss(Named(name="binary_cross_entropy"), answer="findings")
    x = clouds(80, 20, classes=2)
    label = x.targets["label"].float()
    unstated = torch.stack([torch.where(torch.arange(80) < 40, label, torch.nan)], 1)
    half = solve_head(
        Features(x.x, {"labels": unstated}), loss=loss, outputs=1, patients=list("ab") * 40, grid=[1.0]
    )
    scores = x.x[:, 0] @ half.weight[0] + half.bias[0]
    assert np.isfinite(scores).all() and np.corrcoef(scores[:40], label[:40])[0, 1] > 0.7


def test_a_solved_head_answers_from_within_the_network() -> None:
    """Features, solution and network together: what the network says is what the solution says of its features."""
    wanted = plan(augment=Augment(rotate_deg=10, grey_values={"noise": 0.1}))
    torch.manual_seed(1)
    network = build("resnet", 2, 1, 2, wanted.network.arguments)
    examples = squares(40)
    features = features_of(network, wanted, examples, views=3)
    assert features.x.shape == (40, 3, 16)
    again = features_of(network, wanted, examples, views=3)
    assert np.array_equal(features.x, again.x) and not np.allclose(features.x[:, 0], features.x[:, 1])
    solved = solve_head(features, loss=CROSS_ENTROPY, outputs=2, patients=[e.case for e in examples])
    set_head(network, solved)
    batch = torch.from_numpy(np.stack([np.asarray(e.image[:]) for e in examples]))
    with torch.no_grad():
        logits = network(batch).numpy()
    np.testing.assert_allclose(logits, features.x[:, 0] @ solved.weight.T + solved.bias, atol=1e-3)
    assert (logits.argmax(1) == [int(e.target["label"]) for e in examples]).mean() > 0.95
