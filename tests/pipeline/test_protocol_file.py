"""protocol.yaml names a schema that takes what is right and refuses what is wrong; faults name their line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from overread.errors import InputError
from overread.pipeline.protocol import read_protocol
from overread.pipeline.protocol_file import FIRST_LINE, SCHEMA, json_schema, write_protocol

GOOD = {
    "name": "chest",
    "task": "classification",
    "dimensions": 2,
    "labels": ["normal", "pneumonia"],
    "positive": "pneumonia",
    "channels": [{"name": "image", "modality": ["CR"], "match": {}}],
    "endpoints": [{"metric": "auroc", "goal": 0.8}, {"metric": "sensitivity", "goal": 0.9, "expected": 0.95}],
}


def test_the_first_line_names_the_schema_beside_it(tmp_path: Path) -> None:
    path = write_protocol(tmp_path, GOOD)
    assert path.read_text().splitlines()[0] == FIRST_LINE
    schema = json.loads((tmp_path / SCHEMA).read_text())
    assert schema == json_schema()
    check = jsonschema_rs.validator_for(schema)
    content = yaml.safe_load(path.read_text())
    assert check.is_valid(content)
    assert not check.is_valid(content | {"lables": []})
    assert not check.is_valid(content | {"task": "clasification"})
    assert not check.is_valid(content | {"endpoints": [{"metric": "auroc"}]})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("goal: 0.9", "goal: high", r"endpoints\.1\.goal: .* \(line {}\)"),
        ("metric: sensitivity", "metric: sensitvity", r"no metric 'sensitvity' .* \(line {}\)"),
        ("positive: pneumonia", "positive: pneumona", r"positive: 'pneumona' is not among .* \(line {}\)"),
        ("budget: 10m", "budget: 10 minutes", r"budget: found '10 minutes', .* \(line {}\)"),
        ("dimensions: 2", "dimensoins: 2", r"dimensions: missing; .*\)$"),
    ],
)
def test_a_fault_names_its_key_and_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write_protocol(tmp_path, GOOD)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    line = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if new in row)
    first = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if row.startswith("endpoints"))
    with pytest.raises(InputError, match=said.format(first if "metric" in new else line)):
        read_protocol(tmp_path)
