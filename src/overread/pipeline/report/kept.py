"""The report's own files in the chain of evidence: a page that was edited afterwards is found."""

from __future__ import annotations

from overread.ledger.files import KEY, hashed
from overread.ledger.heads import remember
from overread.pipeline.workspace import Workspace

NAMES = ("report.json", "report.html", "check.json", "check.html", "predictions.csv")


def keep_report(space: Workspace) -> None:
    """Add the hashes of report, check, predictions and explanations to the ledger, as they are now."""
    pictures = sorted(
        p.relative_to(space.folder).as_posix() for p in (space.folder / "explain").glob("*.png")
    )
    event = space.ledger.append("pipeline.report", {KEY: hashed(space.folder, [*NAMES, *pictures])})
    remember(space.folder, space.ledger.events(limit=1)[0].hash, event)
