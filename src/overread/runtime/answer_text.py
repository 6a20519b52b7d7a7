"""Answers as text for a person: the same words on the command line, on pages and in reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects, Value

NOTHING = "Nothing found"


@dataclass(frozen=True)
class Line:
    """One fact of an answer as text: what, its value with the unit, and its interval or nothing."""

    name: str
    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.value}" + (f" ({self.interval})" if self.interval else "")


def headline(answer: Answer) -> str:
    """A few words for a list of studies: the decided class, the findings that are present, or what was found."""
    match answer:
        case Classes():
            if answer.called is None:
                return answer.decided
            return f"{answer.decided}; {answer.positive} or higher: {'yes' if answer.called else 'no'}"
        case Findings():
            if not answer.thresholds:
                return "Not decided"
            if answer.present:
                return f"{', '.join(answer.present)} present"
            decided = all(label in answer.thresholds for label in answer.scores)
            return "No finding present" if decided else "No decided finding present"
        case Value():
            return f"{answer.name} {quantity(answer.value, answer.unit)}"
        case LabelMap():
            found = dict.fromkeys(m.label for m in answer.measurements if m.value > 0)
            return f"{', '.join(found)} found" if found else NOTHING
        case Objects():
            return _counted(answer)
        case _:
            assert_never(answer)


def lines(answer: Answer) -> tuple[Line, ...]:
    """Every number of an answer with its unit and interval, in the package's order."""
    match answer:
        case Classes():
            return (
                *(Line(f"Probability of {label}", f"{score:.2f}") for label, score in answer.scores.items()),
                *_at_least(answer),
                *_observed(answer),
                *_label_set(answer),
                *_doubt(answer),
            )
        case Findings():
            return (
                *(
                    Line(f"Probability of {label}", f"{score:.2f}, {_state(answer, label)}")
                    for label, score in answer.scores.items()
                ),
                *_observed(answer),
                *_doubt(answer),
            )
        case Value():
            return (_value(answer),)
        case LabelMap():
            return (*_measurements(answer.measurements), *_qualities(answer))
        case Objects():
            return (*_measurements(answer.measurements), *_objects(answer))
        case _:
            assert_never(answer)


UNIT_WORDS = {"1": "", "a": "years", "mo": "months", "wk": "weeks", "d": "days"}
"""Units of UCUM that people write otherwise; 1 is a bare number."""


def quantity(value: float, unit: str) -> str:
    """A number with its unit as people write it."""
    return f"{_figure(value)} {unit_words(unit)}".rstrip()


def unit_words(unit: str) -> str:
    """A unit of UCUM as people write it; braces mark words of ours ({pixels})."""
    return UNIT_WORDS.get(unit, unit.strip("{}"))


def _value(answer: Value) -> Line:
    """The number with its interval, or why there is none."""
    m, unit = answer.measurement, f" {unit_words(answer.unit)}".rstrip()
    return Line(answer.name, quantity(answer.value, answer.unit), _limits(m, unit))


def _at_least(answer: Classes) -> Iterator[Line]:
    """Of ordered grades, the positive one or higher beside its threshold."""
    if answer.threshold is not None:
        called = "called" if answer.called else "not called"
        value = f"{answer.at_least[answer.positive]:.2f}, {called}: the threshold is {answer.threshold:.2f}"
        yield Line(f"Probability of {answer.positive} or higher", value)


def _counted(answer: Objects) -> str:
    """How many of each label were found; of a label without a threshold, nobody has decided about what is boxed."""
    numbers = {label: int((answer.boxes.labels == k).sum()) for k, label in enumerate(answer.labels)}
    found = ", ".join(f"{n} {label}" for label, n in numbers.items() if n and label in answer.thresholds)
    undecided = ", ".join(
        f"{n} {label}" for label, n in numbers.items() if n and label not in answer.thresholds
    )
    parts = ([f"{found} found"] if found else []) + ([f"not decided: {undecided}"] if undecided else [])
    said = "; ".join(parts)
    return said[:1].upper() + said[1:] if undecided and not found else said or NOTHING


def one_line(answer: Answer) -> str:
    """`headline` and `lines` together."""
    details = "; ".join(map(str, lines(answer)))
    return f"{headline(answer)}: {details}" if details else headline(answer)


def _state(answer: Findings, label: str) -> str:
    """Whether a finding is present by its threshold; without one nobody has decided."""
    if label not in answer.thresholds:
        return "not decided"
    return "present" if label in answer.present else "absent"


def _observed(answer: Classes | Findings) -> Iterator[Line]:
    """What cases with such scores turned out to be; no interval of a probability, so never in brackets after it."""
    for label, (low, high) in answer.intervals.items():
        score = answer.scores[label]
        value = f"{low:.0%} to {high:.0%}"
        if not low <= score <= high:
            value += f", so the score {score:.2f} is too {'high' if score > high else 'low'} there"
        yield Line(f"Tuning cases with such a score that had {label}", value)
    for reason, labels in _grouped(answer.reasons).items():
        yield Line(f"Tuning cases with such a score that had {' or '.join(labels)}", f"not known: {reason}")


def _doubt(answer: Classes | Findings) -> Iterator[Line]:
    """Who must decide, and how far several networks, or one in several views, disagree."""
    if answer.refer:
        yield Line("To be decided by a person", answer.refer)
    for of, apart in (("networks", answer.mutual_information), ("views", answer.views_information)):
        if isinstance(apart, Mapping):
            for label, value in apart.items():
                yield Line(f"Disagreement of the {of} about {label}", f"{value:.0%} of the largest possible")
        elif apart is not None:
            yield Line(f"Disagreement of the {of}", f"{apart:.0%} of the largest possible")
    if isinstance(answer, Classes) and answer.vacuity is not None:
        yield Line("Share of the belief without evidence", f"{answer.vacuity:.0%}")


def _grouped(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, reason in reasons.items():
        found.setdefault(reason, []).append(label)
    return found


def _label_set(answer: Classes) -> Iterator[Line]:
    if answer.set_coverage is not None:
        # An empty set says that the case is unlike those of the calibration: it must not look like no set.
        members = ", ".join(answer.label_set) or "none of the classes"
        yield Line(f"{answer.set_coverage:.0%} prediction set", members)


def _measurements(measurements: Sequence[Measurement]) -> tuple[Line, ...]:
    out = []
    for m in measurements:
        # UCUM's 1 is a bare number, and braces mark words of ours ({pixels}).
        unit = "" if m.unit == "1" else f" {m.unit.strip('{}')}"
        interval = _interval(m, unit)
        out.append(Line(f"{m.label} {m.name}", _figure(m.value) + unit, interval))
    return tuple(out)


def _qualities(answer: LabelMap) -> Iterator[Line]:
    """Which labels a person must look at, and the Dice to expect of each."""
    if answer.refer:
        yield Line("To be checked by a person", answer.refer)
    for label, q in answer.quality.items():
        interval = f"{q.coverage:.0%} interval {q.low:.2f} to {q.high:.2f}, from agreement of {q.source}"
        yield Line(f"{label} expected Dice", f"{q.value:.2f}", interval)


def _objects(answer: Objects) -> Iterator[Line]:
    """Each box with its score and its size: mm along right-left, front-back and head-foot, or pixels."""
    number = dict.fromkeys(answer.labels, 0)
    for i, k in enumerate(answer.boxes.labels):
        label = answer.labels[k]
        number[label] += 1
        volume = answer.boxes.axes == 3
        size = (
            answer.world[i, 3:] - answer.world[i, :3]
            if volume
            else answer.boxes.high[i] - answer.boxes.low[i]
        )
        extent = " x ".join(_figure(float(s)) for s in size)
        unit = "mm" if volume else "pixels"
        score = answer.boxes.scores[i]
        yield Line(f"{label} {number[label]}", f"score {score:.2f}, {extent} {unit}")


def _figure(value: float) -> str:
    """A whole number as it is, all else to three significant digits; large ones without an exponent."""
    return f"{value if value == int(value) else float(f'{value:.3g}'):.15g}"


def _interval(m: Measurement, unit: str) -> str:
    """The interval, why it does not hold the value where it does not, or why there is none."""
    text = _limits(m, unit)
    if m.low is None or m.high is None:
        return text
    if not m.low <= m.value <= m.high:
        text += f", as tuning cases in which so much was found had {'more' if m.value < m.low else 'less'}"
    return text


def _limits(m: Measurement, unit: str) -> str:
    """The interval, or why there is none."""
    if m.low is None or m.high is None:
        return f"no interval: {m.reason}" if m.reason else ""
    return f"{m.confidence:.0%} interval {_figure(m.low)} to {_figure(m.high)}{unit}"
