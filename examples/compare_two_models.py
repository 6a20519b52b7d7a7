"""Two models on the same cases: areas under the ROC curve compared, and what acting on each is worth.

Shows: DeLong's test of paired areas, sensitivity at a fixed specificity, the net benefit of a decision at 10% risk
(Vickers and Elkin 2006), and a figure of both curves. Patients with several cases are drawn together.

Needs nothing but overread. Writes two_models.png into the current folder.

    python examples/compare_two_models.py
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from overread import stats

THRESHOLD = 0.10
"""The risk at which one would act: 9 false alarms are accepted for one case found."""


def main() -> None:
    """Make 600 cases of 400 patients and two models of which the second is the better; compare them."""
    rng = np.random.default_rng(7)
    patient = np.concatenate([np.arange(400), rng.integers(0, 400, 200)])
    risk = rng.normal(0, 1, 400)[patient] + rng.normal(0, 0.5, 600)
    truth = rng.random(600) < 1 / (1 + np.exp(2.2 - 1.6 * risk))
    first = 1 / (1 + np.exp(2.2 - risk - rng.normal(0, 1.1, 600)))
    second = 1 / (1 + np.exp(2.2 - 1.4 * risk - rng.normal(0, 0.7, 600)))
    print(f"{len(truth)} cases of {len(np.unique(patient))} patients, {truth.sum()} with the finding")

    for name, score in (("first", first), ("second", second)):
        print(f"{name}: area under the ROC curve {stats.roc.auc(truth, score, cluster=patient)}")
        found = stats.roc.sensitivity_at_specificity(truth, score, specificity=0.9)
        print(f"{name}: sensitivity at a specificity of 0.9: {found}")

    compared = stats.roc.delong_test(truth, second, first, cluster=patient)
    print(
        f"second minus first: {compared.difference}, p = {compared.p_value:.2g} (DeLong, patients as clusters)"
    )

    curve = stats.decision.decision_curve(
        truth,
        {"first": first, "second": second},
        thresholds=[0.02, 0.05, THRESHOLD, 0.15, 0.2, 0.3, 0.4],
        cluster=patient,
    )
    at = curve.thresholds.tolist().index(THRESHOLD)
    for name, model in curve.models.items():
        print(
            f"{name}: net benefit at a risk of {THRESHOLD:.0%}: {model.net_benefit[at]} true positives per case"
        )
    print(f"treating everybody: {curve.treat_all.net_benefit[at]} true positives per case")

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5))
    for name, score in (("first", first), ("second", second)):
        roc = stats.roc.roc_curve(truth, score)
        left.step(roc.false_positive_rate, roc.sensitivity, where="post", label=name)
        benefit = curve.models[name].net_benefit
        low, high = ([getattr(b, end) for b in benefit] for end in ("low", "high"))
        right.plot(curve.thresholds, [b.estimate for b in benefit], label=name)
        right.fill_between(curve.thresholds, low, high, alpha=0.2)
    left.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC curve")
    right.plot(curve.thresholds, [b.estimate for b in curve.treat_all.net_benefit], "k:", label="treat all")
    right.set(
        xlabel="risk at which one acts",
        ylabel="net benefit (true positives per case)",
        title="Decision curve",
    )
    left.legend()
    right.legend()
    figure.savefig("two_models.png", dpi=150)
    print("two_models.png")


if __name__ == "__main__":
    main()
