"""The reference standard: what it is, who set it, and how well they agreed."""

from __future__ import annotations

from overread.regulatory.finished import Finished
from overread.regulatory.found import Found, Ref

KINDS = {
    "label": "one class a case (column label)",
    "labels": "findings side by side (columns label_<finding>)",
    "value": "a number a case",
    "mask": "a label map of every image",
    "boxes": "boxes drawn on every image",
}


def _kind(run: Finished) -> str:
    from overread.task import TASKS

    return KINDS[TASKS[run.report["task"]].truth]


def reference_standard(run: Finished) -> Found:
    """The form of the truth; how it was made only people know."""
    text = f"Reference standard: {_kind(run)}, of {', '.join(run.report['labels'])}."
    lacking = "exactly how the truth was made: by whom, from what (report, consensus, pathology, follow-up)"
    return Found((text,), (Ref("truth files", "files.json"), *run.row("pipeline.check", "check")), lacking)


def annotators(run: Finished) -> Found:
    """Readers by column, where the table has them."""
    told = run.report.get("readings") or {}
    if not told:
        return Found(lacking="who labelled, how many of them, with which training and tools")
    return Found(
        (f"{told['readers']} readers labelled {told['cases']:,} cases; the reference is by {told['rule']}.",),
        (Ref("readings", "readings"),),
        "training and experience of the readers, and the program they used",
    )


def agreement(run: Finished) -> Found:
    """Agreement between readers, with its interval."""
    told = run.report.get("readings") or {}
    rows = told.get("agreement") or []
    if not rows:
        return Found(lacking="agreement between and within readers, and how conflicts were settled")
    said = [
        f"{x['name']} {x['estimate']:.3f} (95% interval {x['low']:.3f} to {x['high']:.3f})." for x in rows
    ]
    return Found(
        (*said, f"Conflicts were settled by {told['rule']}."), (Ref("agreement", "readings/agreement"),)
    )


def blinding_index(run: Finished) -> Found:
    """What the model could see of the truth: nothing of the test before it was opened."""
    opened, locked = run.last("pipeline.opened"), run.last("pipeline.lock")
    if opened is None or locked is None:
        return Found()
    text = (
        f"The package was fixed by hash (row {locked.seq}) before the test patients were opened (row {opened.seq}); "
        f"training and thresholds used none of their labels."
    )
    if run.exploratory:
        text += f" Yet: {' '.join(run.exploratory)}"
    return Found((text,), (*run.row("pipeline.lock", "lock"), *run.row("pipeline.opened", "opening")))
