"""The flow of patients from the table to the analysed answers (STARD 2015, item 19), as rows and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from overread.cohort.cohort import Cohort
from overread.evaluate.rows import Row
from overread.evaluate.run import Evaluation, answered_rows

MOST_RESULTS = 4
"""Answers that get a box of their own."""
WIDTH, BOX, HEIGHT, GAP = 760, 200, 46, 26
_PARTS = {"train": "Training", "val": "Tuning", "test": "Test, sealed"}


def flow_of(cohort: Cohort, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of ``{box, level, patients, images, reason, reference}``, from the table down to each kind of answer.

    ``reference`` counts the true classes below an answer; empty for tasks that decide no class.
    """
    cases = list(cohort)
    rows = [_box("In the table", 0, len({c.patient for c in cases}), len(cases))]
    for part, name in _PARTS.items():
        inside = cohort.split(part)
        rows.append(_box(name, 1, len({c.patient for c in inside}), len(inside)))
    answered = answered_rows(evaluation.rows)
    given = {r["case"] for r in answered}
    refused = [r for r in evaluation.rows if r["case"] not in given]
    reasons = Counter(str(r["outcome"]).replace("_", " ") for r in refused)
    said = "; ".join(f"{reason} {n}" for reason, n in reasons.most_common())
    rows.append(_of("Without an answer", 2, refused, reason=said))
    rows.append(_of("Answered and analysed", 2, answered))
    results: dict[str, list[Row]] = {}
    for r in answered:
        if r.get("decided") is not None and "label" in r:
            results.setdefault(str(r["decided"]), []).append(r)
    for name, members in sorted(results.items(), key=lambda kv: -len(kv[1]))[:MOST_RESULTS]:
        truth = Counter(str(r["label"]) for r in members)
        rows.append(_of(f"Answer: {name}", 3, members, reference=dict(truth.most_common())))
    return rows


def _of(box: str, level: int, rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    return _box(box, level, len({r["patient"] for r in rows}), len(rows)) | more


def _box(box: str, level: int, patients: int, images: int) -> dict[str, Any]:
    return {"box": box, "level": level, "patients": patients, "images": images, "reason": "", "reference": {}}


def flow_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """The diagram: a line of boxes for each level, an arrow from each level to the next."""
    levels: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        levels.setdefault(int(row["level"]), []).append(row)
    parts, top, parent = [], 6.0, WIDTH / 2
    for level in sorted(levels):
        boxes = levels[level]
        lines = max(len(_lines(b)) for b in boxes)
        tall = HEIGHT + 15 * max(0, lines - 2)
        room = WIDTH / len(boxes)
        wide = min(BOX + 20, room - 14)
        centres = [room * (k + 0.5) for k in range(len(boxes))]
        if level:
            parts += [
                f'<path d="M{parent:.0f} {top - GAP:.0f}V{top - GAP / 2:.0f}H{x:.0f}V{top - 3:.0f}" fill="none" '
                'stroke="#5b6776" marker-end="url(#a)"/>'
                for x in centres
            ]
        for box, x in zip(boxes, centres, strict=True):
            parts.append(
                f'<rect x="{x - wide / 2:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="4" '
                'fill="#eef5fa" stroke="#7fa8c4"/>'
            )
            for k, (line, bold) in enumerate(_lines(box)):
                weight = ' font-weight="bold"' if bold else ""
                parts.append(
                    f'<text x="{x:.0f}" y="{top + 19 + 16 * k:.0f}" text-anchor="middle"{weight}>{escape(line)}</text>'
                )
        # What comes next goes on from the test, and from those who were answered: the last box of a line.
        parent, top = centres[-1], top + tall + GAP
    height = top - GAP + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-size="12" '
        'font-family="DejaVu Sans, sans-serif" fill="#1d2733"><defs>'
        '<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#5b6776"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )


def _lines(box: Mapping[str, Any]) -> list[tuple[str, bool]]:
    patients, images = box["patients"], box["images"]
    count = f"{patients:,} patient{'' if patients == 1 else 's'}"
    if images != patients:
        count += f", {images:,} image{'' if images == 1 else 's'}"
    lines = [(str(box["box"]), True), (count, False)]
    if box.get("reason"):
        lines.append((str(box["reason"])[:34], False))
    lines += [(f"reference {name}: {n:,}", False) for name, n in (box.get("reference") or {}).items()]
    return lines
