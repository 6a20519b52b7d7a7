"""What report.json holds, from the test, the protocol and the records of the stages before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from overread.cohort.case import Case
from overread.cohort.cohort import FILE as COHORT
from overread.cohort.cohort import Cohort
from overread.cohort.groups import cuts_of
from overread.evaluate.judge import judge
from overread.evaluate.run import Evaluation, answered_rows, evaluation_of
from overread.evaluate.subgroups import subgroups
from overread.files import sha256_file
from overread.ledger.environment import LIBRARIES, environment
from overread.pipeline.decisions import decisions_of, deviations_of
from overread.pipeline.made_elsewhere import NOT_EVIDENCED, locked_elsewhere, made_of
from overread.pipeline.protocol import FILE, Protocol
from overread.pipeline.report.decision import decision_rows
from overread.pipeline.report.design import design_of
from overread.pipeline.report.failures import failures_of
from overread.pipeline.report.flow import flow_of
from overread.pipeline.report.people import copied, table_one
from overread.pipeline.report.population import population_rows
from overread.pipeline.report.readings import readings_of
from overread.pipeline.report.training import epochs_of, training_of
from overread.pipeline.signing import signatures_of
from overread.pipeline.workspace import Workspace
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package


def report_content(
    space: Workspace, package: Package, cohort: Cohort, evaluation: Evaluation, result: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that the page shows and a program may read; ``result`` is the test stage's record."""
    protocol, manifest, tested = space.protocol, package.manifest, cohort.split("test")
    checked = space.folder / "check.json"
    check = json.loads(checked.read_text(encoding="utf-8")) if checked.is_file() else {}
    elsewhere = locked_elsewhere(space)
    history = {} if elsewhere else json.loads((space.model / "history.json").read_text(encoding="utf-8"))
    groups = subgroups(
        evaluation,
        tested,
        protocol.subgroups,
        manifest,
        cuts=cuts_of([c for c in cohort if c.split != "test"], protocol.subgroups, protocol.bands),
    )
    facts = environment()
    return {
        "name": protocol.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "virtual": protocol.virtual,
        "task": protocol.task,
        "labels": protocol.labels,
        "positive": protocol.positive,
        "protocol": protocol.model_dump(mode="json"),
        "plan": {} if elsewhere else json.loads((space.model / "plan.json").read_text(encoding="utf-8")),
        "made_elsewhere": made_of(manifest) if elsewhere else None,
        "check": check,
        "package": {
            "path": package.path.relative_to(space.folder).as_posix(),
            "sha256": package.sha256,
            "name": manifest.name,
            "version": manifest.version,
        },
        "test": [m.as_dict() for m in evaluation.measured],
        "unanswered": evaluation.unanswered,
        "seeds": dict(result.get("seeds") or {}),
        "uncertainty": manifest.uncertainty.model_dump(mode="json"),
        "beside": [m.as_dict() for m in evaluation.beside],
        "counted": _counted(evaluation),
        "not_computed": [vars(m) for m in evaluation.not_computed],
        "primary": {"metric": evaluation.primary[0].key, "label": evaluation.primary[1]},
        "without_copies": without_copies(evaluation, tested, check, manifest),
        "endpoints": _goals(protocol, evaluation),
        "earlier_goals": list(result.get("earlier_goals") or []),
        "subgroups": groups.rows,
        "subgroup_gaps": groups.gaps,
        "subgroups_not_computed": groups.not_computed,
        "answered_by": groups.answered,
        "operating_points": {k: p.model_dump(mode="json") for k, p in manifest.operating_points.items()},
        "calibration_notes": dict(manifest.reference.get("notes") or {}),
        "cases": {
            name: {
                "patients": len({c.patient for c in cohort.split(name)}),
                "images": len(cohort.split(name)),
            }
            for name in ("train", "val", "test")
        },
        "design": design_of(cohort),
        "readings": readings_of(cohort),
        "signatures": signatures_of(space),
        "decisions": decisions_of(space) if checked.is_file() else [],
        "deviations": deviations_of(space),
        "flow": flow_of(cohort, evaluation),
        "table_one": table_one(cohort, check),
        "population": population_rows(protocol, tested),
        "decision": decision_rows(evaluation.figures),
        "failures": failures_of(evaluation),
        "evidence": {
            "cohort": cohort.digest(),
            "sealed test patients": cohort.digest("test"),
            "image and mask files": space.record_of("check")["result"]["files_sha256"],
            "protocol": protocol.digest(),
            "protocol.yaml (sha256sum)": sha256_file(space.folder / FILE),
            "cohort.csv (sha256sum)": sha256_file(space.folder / COHORT),
            "package file (sha256sum)": sha256_file(package.path),
            **{k: NOT_EVIDENCED if elsewhere else manifest.evidence[k] for k in ("plan", "weights")},
            "package": package.sha256,
            "predictions": result["predictions_sha256"],
            "ledger head": space.ledger.head(),
        },
        "openings": result["openings"],
        "exploratory": list(result.get("exploratory") or []),
        "protocol_changes": list(result.get("protocol_changes") or []),
        "openings_unlisted": result.get("openings_unlisted") or "",
        "environment": facts,
        "opened_in_training": space.record_of("lock")["result"].get("opened_in_training", 0),
        "seconds": space.seconds(),
        "versions": {name: facts[name] for name in ("overread", *LIBRARIES) if name in facts},
        "limits": manifest.limits.model_dump(mode="json"),
        "training": training_of(history),
        "history": [] if elsewhere else epochs_of(history),
    }


def without_copies(
    evaluation: Evaluation, tested: Sequence[Case], check: Mapping[str, Any], manifest: Manifest
) -> dict[str, Any] | None:
    """The primary measure without the test cases that have a copy or near-copy in training or tuning.

    ``images`` are left out; ``row`` is the measure, None with the ``reason`` where the rest cannot give it. None where
    the check found no such case.
    """
    left_out = copied(tested, check)
    if not left_out:
        return None
    rest = [r for r in evaluation.rows if r["case"] not in left_out]
    key = (evaluation.primary[0].key, evaluation.primary[1])
    found: dict[str, Any] = {"images": len(left_out), "row": None, "reason": "no test case is left"}
    if rest:
        again = evaluation_of(rest, manifest, unanswered=evaluation.unanswered)
        measured = again.of(*key)
        found["row"] = None if measured is None else measured.as_dict()
        found["reason"] = "" if measured is not None else again.reason(*key)
    return found


def _counted(evaluation: Evaluation) -> dict[str, int]:
    """Patients and images of the test, and of those that were answered."""
    answered = answered_rows(evaluation.rows)
    return {
        "patients": len({r["patient"] for r in evaluation.rows}),
        "images": len(evaluation.rows),
        "answered_patients": len({r["patient"] for r in answered}),
        "answered_images": len(answered),
    }


def _goals(protocol: Protocol, evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = judge([e.as_goal() for e in protocol.endpoints], evaluation)
    return [row | {"proposed": e.proposed} for row, e in zip(rows, protocol.endpoints, strict=True)]
