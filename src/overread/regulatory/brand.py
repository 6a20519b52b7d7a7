"""What must be said on every page and export of a run's numbers."""

from __future__ import annotations

from overread.regulatory.finished import Finished

RESEARCH = "Research use only. Not for diagnosis or treatment."


def bands_of(run: Finished) -> list[str]:
    """Virtual patients, exploratory numbers, research use."""
    bands = ["Virtual patients: says nothing about real patients."] if run.virtual else []
    if run.exploratory:
        bands.append(f"Exploratory: {' '.join(run.exploratory)}")
    return [*bands, RESEARCH]


def footer_of(run: Finished) -> str:
    """From which evidence a document was written."""
    head = run.events[-1]
    return (
        f"Written by overread from the evidence in {run.folder.name}: package {run.report['package']['sha256'][:12]}, "
        f"ledger row {head.seq} ({head.hash[:12]}), verified when this was written."
    )
