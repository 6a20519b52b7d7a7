"""protocol.yaml: the only file that a person must write, checked key by key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from overread.cohort.splits.parts import FRACTIONS, SPLITS
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.labels import Rule
from overread.commands import command
from overread.evaluate import tasks as evaluate_tasks
from overread.evaluate.judge import Goal
from overread.evaluate.metric import Metric
from overread.evaluate.refer import ReferRule
from overread.evaluate.run import Unanswered, offered
from overread.files import canonical_json, sha256_bytes
from overread.keys.card import Role
from overread.learn.constraints import Constraints
from overread.pipeline.validation_design import ValidationDesign
from overread.runtime.manifest import Channel, Quantity
from overread.runtime.measures import measure_faults
from overread.runtime.regions import Region, as_regions, judged, region_faults
from overread.settings import PlainName, Strict, dicom_patterns, read_settings
from overread.task import TASKS, Task, TaskName

FILE = "protocol.yaml"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Endpoint(Strict):
    """A goal fixed before the test patients are opened: ``metric`` of ``label`` (of all without it) reaches ``goal``.

    ``judged_on`` says which quantity counts: the point ``estimate``, or the less favourable confidence ``limit``
    (the lower one where more is better, the upper one for errors and distances). ``expected``: the value that is
    thought to be true, from which the check tells how many patients the goal needs. ``proposed``: `overread init` wrote
    it and no person chose it; the report says so until the key is taken out.
    """

    metric: str
    label: str | None = None
    goal: float
    judged_on: Literal["estimate", "limit"] = "limit"
    expected: float | None = None
    proposed: bool = False

    def as_goal(self) -> Goal:
        """The same for `overread.evaluate.judge`."""
        return Goal(metric=self.metric, label=self.label, goal=self.goal, judged_on=self.judged_on)


class Monitored(Strict):
    """A limit for the time in use: where ``metric`` of ``label`` is worse than ``limit``, ``action`` is to be taken."""

    metric: str
    label: str | None = None
    limit: float
    action: str = Field(min_length=1)


class DeclaredLimits(Strict):
    """Limits of the intended use that cannot be read off the images; sizes and spacings are measured.

    ``unstated``: an image that does not state its modality, age or body part is answered with a note, or refused.
    """

    age_years: tuple[float, float] | None = None
    body_part: list[str] = []
    unstated: Literal["note", "refuse"] = "note"

    @field_validator("age_years")
    @classmethod
    def _ages(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 <= value[0] <= value[1]:
            raise ValueError(
                f"found {value[0]:g} to {value[1]:g}, expected from and to in years, the smaller first"
            )
        return value


class Referral(Strict):
    """Cases that a person must decide: at most ``risk`` of what the package decides is wrong, with ``confidence``.

    ``dice``: of segmentation, the Dice from which on the mask of a structure is right.
    """

    risk: float = Field(gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    dice: float | None = Field(default=None, gt=0, lt=1)


class RequiredSignatures(Strict):
    """Whose signature a step waits for: ``lock``, the role that signs when locking; ``approval``, the role that
    approves the lock before the test may be opened. Without one the step does not ask."""

    lock: Role | None = None
    approval: Role | None = None


class Protocol(Strict):
    """What the model is for and how it will be judged.

    ``labels``: names of the classes, the findings or the objects; for segmentation those of the mask's values 0, 1, 2
    ..., the background first.
    ``positive``: which of two classes is the one to be found; of ordered grades, the lowest that counts as positive.
    ``quantity``: of a task that answers with a number, its unit (UCUM) and bounds; the column has the label's name.
    ``uncertain``, ``missing``: how findings that the table calls uncertain (-1) or leaves empty count: not at all
    (``ignore``), as absent (``as_0``) or as present (``as_1``).
    ``operating_point``: rule that fixes the thresholds on the tuning patients, for the tasks that have any.
    ``refer``: which share of the decisions may be wrong; the package then leaves those to a person that it is not sure
    enough about. Without it, it decides all.
    ``monitoring``: limits for the time in use, which go into the package with the number of cases that shows them.
    ``unanswered``: how cases that the package refuses count in the measures that goals are judged on: as ``wrong``, or
    ``left_out``. The report shows both.
    ``box_overlap``: intersection over union from which a found box is right; a half in the plane and a tenth in volumes
    where not given.
    ``augmentation``: what training must not do to images, see `Constraints`.
    ``weights``: pretrained weights to start from: ``auto`` leaves it to the planner, ``none`` starts from chance, else
    a name as `overread.learn.weights.find.find_weights` takes it; its network must be one of `overread.nets`.
    ``design``: what sets the test's patients apart, to which the check holds the table (`ValidationDesign`): a kind, or
    ``{kind: external, column: scanner}``.
    ``bands``: of an attribute that holds numbers, where its subgroups part: ``{age: [18, 40, 65]}``.
    ``seal``: the truth of the test cases must be sealed before the training (`overread seal`).
    ``signatures``: whose signatures the lock and the opening of the test wait for.
    ``reuse_opened``: train although patients were opened in an earlier test, which the report then says.
    ``cross_fit``: train so many networks, each without one fold of the patients outside the test, who then all serve
    for calibration and thresholds (tasks that see whole images).
    ``counted_labels``: segmentation labels whose separate parts are counted (lesions, not organs).
    ``measures``: of a segmentation, what is measured of a structure beside its volume (`overread.runtime.measures`).
    ``regions``: of a segmentation, what is learnt, measured and judged in place of the labels: structures of several of
    them that may lie in one another, the outermost first (`overread.runtime.regions`).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: PlainName = "0.1.0"
    intended_use: str = ""
    task: TaskName
    dimensions: Literal[2, 3]
    labels: list[str] = Field(min_length=1)
    positive: str | None = None
    quantity: Quantity | None = None
    uncertain: Rule = "ignore"
    missing: Rule = "ignore"
    channels: list[Channel] = Field(min_length=1)
    limits: DeclaredLimits = DeclaredLimits()
    augmentation: Constraints | None = None
    counted_labels: list[str] = []
    measures: dict[str, list[str]] = {}
    regions: dict[str, Region] = {}
    operating_point: str = ""
    refer: Referral | None = None
    endpoints: list[Endpoint] = []
    monitoring: list[Monitored] = []
    unanswered: Unanswered = "wrong"
    box_overlap: float | None = Field(default=None, gt=0, le=1)
    subgroups: list[str] = []
    bands: dict[str, list[float]] = {}
    design: ValidationDesign | None = None
    split: dict[str, float] = dict(FRACTIONS)
    weights: str = "auto"
    budget: str = "10m"
    seed: int = Field(default=0, ge=0)
    seal: bool = False
    signatures: RequiredSignatures = RequiredSignatures()
    reuse_opened: bool = False
    cross_fit: int | None = Field(default=None, ge=2)
    virtual: bool = False

    @field_validator("budget")
    @classmethod
    def _budget(cls, value: str) -> str:
        parse_budget(value)
        return value

    @field_validator("channels")
    @classmethod
    def _matches(cls, value: list[Channel]) -> list[Channel]:
        for channel in value:
            dicom_patterns(channel.match)
        return value

    @field_validator("regions", mode="before")
    @classmethod
    def _regions(cls, value: Any) -> Any:
        try:
            return as_regions(value)
        except (AttributeError, KeyError, TypeError):
            return value

    @field_validator("design", mode="before")
    @classmethod
    def _design(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("bands")
    @classmethod
    def _bands(cls, value: dict[str, list[float]]) -> dict[str, list[float]]:
        for name, cuts in value.items():
            if not cuts or sorted(set(cuts)) != cuts:
                raise ValueError(
                    f"{name}: found {cuts}, expected numbers where groups part, the smallest first"
                )
        return value

    @field_validator("split")
    @classmethod
    def _split(cls, value: dict[str, float]) -> dict[str, float]:
        if set(value) != set(SPLITS) or min(value.values()) <= 0 or abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"found {value}, expected positive shares of {', '.join(SPLITS)} that sum to 1")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        facts, labels = self.facts, self.labels
        if len(labels) < facts.fewest_labels:
            raise ValueError(
                f"labels: found {labels}, expected at least {facts.fewest_labels} for {self.task}"
            )
        if facts.most_labels is not None and len(labels) > facts.most_labels:
            raise ValueError(f"labels: found {labels}, expected at most {facts.most_labels} for {self.task}")
        if (facts.answer == "value") is (self.quantity is None):
            raise ValueError(
                "quantity: missing; say of what unit (UCUM) the number is, and its bounds: {unit: a, low: 0, high: 120}"
                if self.quantity is None
                else f"quantity: only a number has one; take the key out for {self.task}"
            )
        if len(set(labels)) < len(labels):
            raise ValueError("labels: a name stands twice")
        self._check_positive()
        if self.regions and facts.answer != "label_map":
            raise ValueError(f"regions: only a label map has them; take the key out for {self.task}")
        for fault in region_faults(self.regions, labels):
            raise ValueError(fault)
        foreground = self.judged[1:] if facts.background else []
        extra = [name for name in self.counted_labels if name not in foreground]
        if extra:
            raise ValueError(
                f"counted_labels: {extra[0]!r} is not among the foreground labels {foreground} of {self.task}"
            )
        wrong = measure_faults(self.measures, foreground, self.dimensions)
        if wrong:
            raise ValueError(wrong[0])
        if not TRUTHS[facts.truth].UNSURE and (self.uncertain, self.missing) != ("ignore", "ignore"):
            raise ValueError(
                "uncertain, missing: only findings (columns label_<name>) can be uncertain or missing"
            )
        try:
            self.rule()
        except ValueError as error:
            raise ValueError(f"operating_point: {error}") from error
        known = {(m.key, label) for m, label in self.goals_offered()}
        for endpoint in self.endpoints:
            if (endpoint.metric, endpoint.label) not in known:
                raise ValueError(f"endpoints: {self._unknown_goal(endpoint)}")
        self._check_monitoring(known)
        return self

    def _check_monitoring(self, known: set[tuple[str, str | None]]) -> None:
        goals = {(e.metric, e.label): e.goal for e in self.endpoints}
        for limit in self.monitoring:
            key = (limit.metric, limit.label)
            if key not in known:
                raise ValueError(f"monitoring: {self._unknown_goal(limit)}")
            metric = next(m for m, _ in self.goals_offered() if m.key == limit.metric)
            sign = -1 if metric.better == "lower" else 1
            if key in goals and sign * limit.limit > sign * goals[key]:
                raise ValueError(
                    f"monitoring: {limit.metric}: found the limit {limit.limit:g}, expected none stricter than the "
                    f"goal {goals[key]:g}"
                )

    def _check_positive(self) -> None:
        if self.positive is not None and self.positive not in self.labels:
            raise ValueError(f"positive: {self.positive!r} is not among the labels {self.labels}")
        if self.facts.ordered:
            if self.positive == self.labels[0]:
                raise ValueError(
                    f"positive: found {self.positive!r}, the lowest grade; expected the lowest of those that count as "
                    f"positive, one of {self.labels[1:]}, or no such key"
                )
            return
        binary = self.facts.answer == "classes" and len(self.labels) == 2
        if binary and self.positive is None:
            raise ValueError(f"positive: missing; say which of {self.labels} counts as positive")
        if not binary and self.positive is not None:
            raise ValueError(
                f"positive: found {self.positive!r}; only one of two classes can be positive, take the key out"
            )

    def _unknown_goal(self, endpoint: Endpoint | Monitored) -> str:
        """What is wrong with a goal; the form of earlier versions (``dice_liver``) is recognised."""
        known = [(m.key, label) for m, label in self.goals_offered()]
        old = {f"{key}_{label}": (key, label) for key, label in known if label is not None}
        if endpoint.label is None and endpoint.metric in old:
            key, label = old[endpoint.metric]
            return f"write metric: {key} and label: {label} instead of metric: {endpoint.metric}"
        of = [label or "(none)" for key, label in known if key == endpoint.metric]
        if of:
            return f"metric {endpoint.metric} with label {endpoint.label}; expected label {' or '.join(of)}"
        names = ", ".join(dict.fromkeys(key for key, _ in known))
        return f"no metric {endpoint.metric!r} to set a goal for; expected one of {names}"

    @property
    def judged(self) -> list[str]:
        """Names of what is measured and judged: the regions, after the background, or the labels."""
        return judged(self.labels, self.regions)

    @property
    def facts(self) -> Task:
        """The facts of its task."""
        return TASKS[self.task]

    def rule(self) -> str:
        """The operating point's rule as stated, or the task's own; empty for a task without thresholds."""
        return evaluate_tasks.TASKS[self.task].rule(self.operating_point, self.labels, self.positive)

    def refer_rule(self) -> ReferRule | None:
        """What `refer` says, None without it."""
        return (
            None if self.refer is None else ReferRule(self.refer.risk, self.refer.confidence, self.refer.dice)
        )

    def goals_offered(self) -> list[tuple[Metric, str | None]]:
        """Metrics of this task's test that have a better direction, with the label each is about."""
        task = evaluate_tasks.TASKS[self.task]
        pairs = offered(task, self.judged, self.positive, self.counted_labels, self.measures)
        return [(metric, label) for metric, label in pairs if metric.better != "none"]

    def digest(self) -> str:
        """SHA-256 of the content, whatever the layout and comments of the file."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json")).encode())


def parse_budget(text: str) -> float:
    """Seconds in a duration such as ``90s``, ``5m``, ``1.5h``. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not match or float(match[1]) <= 0:
        raise ValueError(f"found {text!r}, expected a duration such as 90s, 5m or 2h")
    return float(match[1]) * _UNITS[match[2]]


def read_protocol(folder: Path) -> Protocol:
    """Read and check ``folder/protocol.yaml``. Raises InputError naming file and key."""
    return read_settings(folder / FILE, Protocol, f"{command('init', folder)} writes one from cohort.csv")
