"""The search: trials share a storage, bad ones end early (ASHA), and what was interrupted goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from overread.errors import InputError
from overread.learn.plan import Plan
from overread.learn.tune.space import Space

HEARTBEAT = 60
"""Seconds; a trial of a process that was killed is taken up by another after twice as many."""
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)

Report = Callable[[float, int], None]
Objective = Callable[[dict[str, float], Report], float]
"""Trains with the values; tells ``report`` the metric after each epoch that measured it, and returns the last."""


class Pruned(Exception):  # noqa: N818 - not an error: the trial ends because others were better
    """Raised by ``report`` where a trial is not worth going on with."""


def open_study(url: str, name: str, *, lower: bool, seed: int) -> optuna.Study:
    """The study ``name`` in ``url`` (SQLite file or PostgreSQL), made where it is not there.

    Trials that others run at the same time are known to the sampler; the pruner is asynchronous successive halving (Li
    et al., MLSys 2020, arXiv 1810.05934). Raises InputError where the storage cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            storage = RDBStorage(
                url,
                engine_kwargs={"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {},
                heartbeat_interval=HEARTBEAT,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=3),
            )
            return optuna.create_study(
                storage=storage,
                study_name=name,
                direction="minimize" if lower else "maximize",
                # A seed for each process would draw the same trials: of one study only the first is repeatable.
                sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
                pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
                load_if_exists=True,
            )
        except Exception as error:  # SQLAlchemy and drivers raise types of their own
            raise InputError(
                f"--storage: {url.split('@')[-1]} cannot be opened ({str(error).splitlines()[0]}); expected a SQLite "
                "or PostgreSQL address, such as sqlite:///tune.db"
            ) from error


def search(
    study: optuna.Study,
    plan: Plan,
    space: Space,
    objective: Objective,
    *,
    trials: int,
    told: Callable[[optuna.trial.FrozenTrial], None] = lambda trial: None,
) -> None:
    """Run trials until the study has ``trials`` that ended, those of other processes included.

    The first trial is the plan as it is. ``told`` is called after each.
    """

    def run(trial: optuna.Trial) -> float:
        values = space.drawn(trial, plan)

        def report(value: float, epoch: int) -> None:
            trial.report(value, epoch)
            if trial.should_prune():
                raise Pruned

        try:
            return objective(values, report)
        except Pruned:
            raise optuna.TrialPruned from None

    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(as_it_is(space, plan), skip_if_exists=True)
    full = optuna.study.MaxTrialsCallback(trials, states=ENDED)
    if ended(study) < trials:
        study.optimize(run, n_trials=trials, callbacks=[lambda s, trial: told(trial), full])


def as_it_is(space: Space, plan: Plan) -> dict[str, float]:
    """Values that leave ``plan`` as it is, as far as the ranges hold them."""
    dropout = float(plan.network.arguments.get("dropout", 0.0))
    neutral = {"learning_rate": 1.0, "weight_decay": 1.0, "augment": 1.0, "dropout": dropout}
    return {
        name: min(max(neutral[name], r.low), r.high) for name, r in space.ranges().items() if name in neutral
    }


def ended(study: optuna.Study) -> int:
    """How many trials were trained to their end, or ended because others were better."""
    return len(study.get_trials(deepcopy=False, states=ENDED))


def best_of(study: optuna.Study) -> dict[str, Any] | None:
    """Number, value and values of the best finished trial; None without one."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not done:
        return None
    best = study.best_trial
    return {"number": best.number, "value": best.value, "values": dict(best.params)}
