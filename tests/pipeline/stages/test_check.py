"""check says what concerns the task and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image as Pillow

from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.init import init_stage


def _found(folder: Path) -> dict[str, str]:
    check_stage(folder)
    return {f["code"]: f["message"] for f in json.loads((folder / "check.json").read_text())["findings"]}


def test_rules_of_findings_and_of_thresholds(tmp_path: Path) -> None:
    lines = ["case,patient,image,label"]
    rng = np.random.default_rng(0)
    for n in range(60):
        Pillow.fromarray(rng.integers(0, 255, (20, 20), np.uint8)).save(tmp_path / f"{n}.png")
        lines.append(f"c{n},p{n},{n}.png,{['none', 'bleeding'][n % 2]}")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    init_stage(tmp_path)
    plain = _found(tmp_path)
    # A class is stated or the row refused: nothing is left out of a number.
    assert "finding.ruled" not in plain and "tuning.rule" not in plain
    path = tmp_path / "protocol.yaml"
    rule = {"operating_point": "sensitivity>=0.95 with 90%"}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | rule))
    assert "bleeding: operating point sensitivity>=0.95 with 90%" in _found(tmp_path)["tuning.rule"]
