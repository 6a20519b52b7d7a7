"""Plan: everything the training will do, as plain JSON that a person can read and edit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from overread.runtime.manifest import Preprocess, Quantity
from overread.runtime.regions import Region
from overread.runtime.sliding_window import OVERLAP
from overread.settings import Strict
from overread.task import TASKS, TaskName


class Augment(Strict):
    """Ranges that the random changes of each training image are drawn from; 0 switches one off.

    ``rotate_deg``, ``scale``, ``shear`` (the slope of one axis towards another, its tangent) and ``shift`` (fraction of
    the size) make the affine part, ``elastic`` the largest
    displacement of a control point as a fraction of the size, ``flip`` lists the axes that may be mirrored;
    ``coarse_axis`` is an axis of so thick slices that nothing is rotated out of their plane.
    ``grey_values`` maps the names of `overread.learn.augment.grey_values.GREY_VALUES` to their range, which each
    explains in its own file; ``channels`` is how many channels draw those of their own: 1 changes all alike, as the
    three of a colour picture, and contrasts that scanners scale each by itself each get theirs. ``black`` and
    ``white`` are the network's values of these by channel, where the scale of a colour picture is fixed.
    """

    rotate_deg: float = Field(default=0.0, ge=0, le=180)
    scale: float = Field(default=0.0, ge=0, le=2)
    shear: float = Field(default=0.0, ge=0, le=1)
    shift: float = Field(default=0.0, ge=0, le=1)
    elastic: float = Field(default=0.0, ge=0, le=0.25)
    flip: list[int] = []
    coarse_axis: int | None = None
    grey_values: dict[str, float] = {}
    channels: int = Field(default=1, ge=1)
    black: list[float] = []
    white: list[float] = []


class Mix(Strict):
    """Training images mixed with others, see `overread.learn.augment.mix`; 0 switches a kind off.

    ``share`` of the images are mixed. ``mixup`` and ``cutmix`` are the alpha of their Beta distribution (0.2 and 1 are
    usual). ``paste``: above 0, what another image shows of ``labels`` (all but the background without them) is pasted,
    where there is a label of ``onto`` (anywhere without them).
    """

    share: float = Field(default=0.5, ge=0, le=1)
    mixup: float = Field(default=0.0, ge=0, le=10)
    cutmix: float = Field(default=0.0, ge=0, le=10)
    paste: float = Field(default=0.0, ge=0, le=1)
    labels: list[int] = []
    onto: list[int] = []


class Named(Strict):
    """One of a table, by name, with its arguments."""

    name: str
    arguments: dict[str, Any] = {}


class Network(Strict):
    """Architecture by name with its arguments (`overread.nets`)."""

    name: str
    arguments: dict[str, Any]
    parameters: int


class Transfer(Strict):
    """From which weights the network starts, and how it goes on from there (`overread.learn.transfer`).

    ``weights`` as `find_weights` takes them; ``origin`` is what it says of them: source, licence, hash.

    ``how``: ``features`` keeps the body as it is and solves for the head alone (logistic or ridge regression, as the
    loss has it); the others start from that solution and train: ``full`` all of the network, ``gradual`` from the head
    down, a stage more after the other over the first half of the training, ``lora`` beside kept kernels changes of
    ``rank``, which are added to them at the end.

    ``views``: changed pictures of each training image that the head is solved on, the unchanged one among them.
    ``layer_decay``: the learning rate of each stage is this share of that of the stage above it. ``norms``: whether
    batch normalisations keep the statistics that they came with.
    """

    weights: str
    origin: dict[str, Any] = {}
    how: Literal["features", "full", "gradual", "lora"] = "full"
    views: int = Field(default=1, ge=1)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    norms: Literal["kept", "learnt"] = "kept"
    rank: int = Field(default=8, ge=1)


class Sureness(Strict):
    """How a package is to know how sure it is (`overread.runtime.uncertainty`).

    ``draws``: several answers of one network's last layer, averaged: by ``dropout``, which the network must have been
    trained with, by ``laplace``, or by ``heads`` fitted on resampled patients. ``distance``: how the features of an
    image are compared with those of the training. ``together``: how the networks of several seeds are combined; chosen
    on tuning cases where not given.
    """

    draws: Literal["none", "dropout", "laplace", "heads"] = "none"
    distance: Literal["none", "mahalanobis", "nearest"] = "nearest"
    together: Literal["average", "weighted", "stacked"] | None = None


class Selection(Strict):
    """Which of the averaged weights a training keeps: those best by a metric of `overread.evaluate` on tuning cases.

    ``metric`` and ``label`` name it (``dice``, ``auroc``; label None: of all), as protocol.yaml's goals do. At most
    ``most_cases`` tuning cases are answered each time. ``patience``: training ends after so many measurements in a
    row without a better one; 0 never does.
    """

    metric: str
    label: str | None = None
    most_cases: int = Field(default=64, gt=0)
    patience: int = Field(default=0, ge=0)


class Plan(Strict):
    """What the planner chose, and why (``reasons``, one sentence each).

    ``inputs`` are the protocol's channels, ``channels`` the network's (three for a colour picture). ``patch`` is the
    size in voxels that the network learns from at once, ``window`` the one that it answers at once (without it the
    patch), ``overlap`` the share of a window that its neighbour has in common with it, ``views`` those that it is
    answered in beside as it is (`overread.runtime.views`), each of which takes as long again; ``loss`` is one of
    `overread.learn.losses.LOSSES`; ``sampling`` one of `overread.learn.sampling.SAMPLING`; ``quantity`` says what a
    number is of, and ``decoding`` how the task reads the network's outputs (`RuntimeTask.DECODING`);
    ``seconds_per_step`` was measured on this machine with this network; ``epochs`` are those expected from it in
    ``train_seconds``, what is left once every tuning and test case has been answered in ``answer_seconds`` each; both
    and ``memory_gib``, the peak, are 0 where nothing was timed. While ``follow_clock`` is true, training does as many
    epochs as the time really holds, up to ``most_epochs``; false makes it do exactly ``epochs``, which the same seed
    then repeats.

    ``batch`` is what one step learns from, on all processes together; each takes its share in ``accumulate`` parts, so
    that less memory is needed. ``precision``: ``auto`` computes in bfloat16 where the machine has it and the loss
    follows that of float32. ``average_decay`` is that of the exponential moving average of the weights. Without a
    ``selection`` the last averaged weights are kept, and tuning cases decide nothing about them.

    ``transfer``: the weights that the network starts from; without it, from chance. ``rivals`` are other roads to the
    same answer, each a whole plan: all are trained in turn, and tuning cases decide which one is kept.

    ``regions``: structures that the network answers yes or no in place of the labels (`overread.runtime.regions`).
    ``partly_labelled``: some training masks leave labels open, and the loss leaves these out there.

    ``read``: ``store`` prepares every case once and reads patches from there, ``files`` decodes the images each time.
    """

    task: TaskName
    dimensions: Literal[2, 3]
    inputs: list[str]
    channels: list[str]
    labels: list[str]
    preprocess: Preprocess
    patch: list[int] = Field(min_length=1)
    window: list[int] | None = None
    overlap: float = Field(default=OVERLAP, ge=0, lt=1)
    views: list[str] = []
    batch: int = Field(gt=0)
    accumulate: int = Field(default=1, gt=0)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    network: Network
    transfer: Transfer | None = None
    loss: Named
    sampling: Named = Named(name="uniform")
    quantity: Quantity | None = None
    decoding: dict[str, float] = {}
    augment: Augment
    mix: Mix = Mix()
    learning_rate: float = Field(gt=0, le=10, allow_inf_nan=False)
    weight_decay: float = Field(ge=0, allow_inf_nan=False)
    foreground_share: float = Field(default=0.0, ge=0, le=1)
    read: Literal["store", "files"] = "store"
    average_decay: float = Field(default=0.99, ge=0, lt=1)
    selection: Selection | None = None
    uncertainty: Sureness = Sureness()
    epochs: int = Field(gt=0)
    most_epochs: int = Field(gt=0)
    follow_clock: bool = True
    steps_per_epoch: int = Field(gt=0)
    seconds_per_step: float = Field(ge=0, allow_inf_nan=False)
    train_seconds: float = Field(ge=0, allow_inf_nan=False)
    answer_seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    memory_gib: float = Field(ge=0, allow_inf_nan=False)
    seed: int = Field(ge=0)
    regions: dict[str, Region] = {}
    partly_labelled: bool = False
    reasons: list[str]
    rivals: list[Plan] = []

    @property
    def answered_at_once(self) -> list[int]:
        """The size of the windows in which images are answered."""
        return list(self.window or self.patch)

    @property
    def outputs(self) -> int:
        """How many numbers (of a local task: channels) the network gives."""
        return len(self.regions) or TASKS[self.task].outputs(len(self.labels))
