"""Writing protocol.yaml, with a comment above each key that asks for a decision, and its schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from overread.files import write_json, write_text
from overread.pipeline.protocol import FILE, Protocol
from overread.settings import validated
from overread.task import TASKS

SCHEMA = "protocol.schema.json"
FIRST_LINE = f"# yaml-language-server: $schema={SCHEMA}"
"""What editors with a YAML language server (VS Code, Neovim, Emacs, JetBrains) read the schema's place from."""
_COMMENTS = {
    "intended_use": "In one or two sentences: which patients, which images, for what purpose.",
    "channels": "One per input; `match` tells the clinic node which DICOM series it is (keyword: regular expression).",
    "positive": "Which of the two classes is the one to be found, of grades the lowest that counts so: sensitivity is "
    "of it.",
    "quantity": "Unit of the number (UCUM: a for years, mo, %, mm, 1 for none), and the least and greatest value.",
    "uncertain": "Findings that the table calls uncertain (-1), and those that it leaves empty: ignore, as_0 or as_1.",
    "measures": "Beside volumes, by structure: {tumour: [long_axis, short_axis, max_diameter, surface, centroid_x, "
    "centroid_y, centroid_z]}; in the plane also perimeter, circumference.",
    "operating_point": "Fixed on the tuning patients: youden, sensitivity>=0.95 (on average; `with 90%` after it: with "
    "that confidence) or specificity>=0.9; detection: f1, sensitivity>=0.9 or false_positives<=1.",
    "refer": "Leave to a person what may be wrong: {risk: 0.05, confidence: 0.9} keeps wrong decisions at 5%. "
    "Of segmentation {risk: 0.05, dice: 0.7}: masks below that Dice are wrong.",
    "endpoints": "Goals fixed before the test patients are opened; all must hold. Judged on the worse limit, or the "
    "estimate. Take `proposed` out once you have chosen the goal.",
    "monitoring": "Limits for the time in use: {metric: sensitivity, limit: 0.85, action: stop and review}.",
    "unanswered": "Cases that the package refuses count as wrong, or are left_out; the report shows both.",
    "bands": "Where the subgroups of a number part, such as age: [18, 40, 65].",
    "design": "What sets the test apart: internal, temporal (later, by date) or external (other sites); the check "
    "holds the table to it.",
    "subgroups": "Columns of cohort.csv for which the result is shown apart.",
    "cross_fit": "So many networks, each without one fold of the patients outside the test: all of these calibrate it.",
    "seal": "The truth of the test cases must be sealed before the training (overread seal).",
    "signatures": "Whose signature a step waits for: lock: analyst signs the lock, approval: quality approves it.",
    "budget": "Wall-clock time for the whole run.",
    "augmentation": "What training must not do to images: mirror (never, left_right, all), rotate_deg, shift_mm ...",
    "limits": "What the package must refuse to answer and the images alone do not tell.",
}


def json_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of protocol.yaml, with the comments as descriptions."""
    schema = Protocol.model_json_schema()
    schema["properties"]["task"]["enum"] = list(TASKS)
    for key, text in _COMMENTS.items():
        schema["properties"][key].setdefault("description", text)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE}


def write_protocol(folder: Path, values: dict[str, Any]) -> Path:
    """Write protocol.yaml and the schema beside it, which its first line names. Raises InputError on wrong values."""
    protocol = validated(Protocol, values, str(folder / FILE))
    lines = [FIRST_LINE]
    for key, value in protocol.model_dump(mode="json").items():
        # What does not apply to the task (no positive, no rule) would only raise questions.
        if key not in values and (
            value in (None, "", [], {})
            or key in ("uncertain", "missing", "reuse_opened", "weights", "signatures", "seal")
        ):
            continue
        if key in _COMMENTS:
            lines.append(f"# {_COMMENTS[key]}")
        lines.append(yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True).rstrip())
    write_json(folder / SCHEMA, json_schema())
    write_text(folder / FILE, "\n".join(lines) + "\n")
    return folder / FILE
