"""Conformance statement, security disclosure and bill of materials say what the program does."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from pydicom import dcmread
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import write_detector, write_series

from overread.clinic.config import ClinicConfig, load_config
from overread.clinic.papers.conformance import conformance, sent_classes, stored_classes, transfer_syntaxes
from overread.clinic.papers.mds2 import disclosure
from overread.clinic.pull.settings import Pull
from overread.clinic.receive.settings import Receive
from overread.clinic.results.names import OBJECT_NAMES
from overread.regulatory.sbom import sbom


@pytest.fixture
def config(tmp_path: Path) -> ClinicConfig:
    content = {
        "aet": "NODE",
        "folder": "state",
        "routes": [{"name": "r", "package": "p.overread"}],
        "destinations": [{"name": "PACS", "aet": "PACS", "host": "192.0.2.7", "port": 104}],
        "results": {"objects": list(OBJECT_NAMES)},
        "audit": {"host": "audit.example"},
    }
    (tmp_path / "clinic.yaml").write_text(yaml.safe_dump(content))
    return load_config(tmp_path / "clinic.yaml")


def test_statement_names_what_is_taken_and_sent(config: ClinicConfig, tmp_path: Path) -> None:
    text = conformance(config)
    for words in (
        "NODE",
        "CT Image Storage",
        "JPEG 2000",
        "A700H",
        "192.0.2.7:104",
        "audit.example:6514",
        "262144",
    ):
        assert words in text
    assert len(stored_classes()) > 100 and len(transfer_syntaxes()) > 20
    assert all(name for _, name in stored_classes())
    assert "| Storage Commitment Push Model SOP Class | 1.2.840.10008.1.20.1 |  | yes |" in text
    assert "| Modality Worklist Information Model - FIND | 1.2.840.10008.5.1.4.31 |  | yes |" in text
    assert not any("FIND" in name or "Verification" in name for _, name in stored_classes())
    # Whatever a run makes is a class that the statement names.
    files = write_series(tmp_path / "in", Modality="CT", BodyPartExamined="CHEST")
    made = all_objects(material(write_detector(tmp_path / "p.overread"), files), tmp_path / "out")
    assert {str(dcmread(p).SOPClassUID) for p in made.values()} <= {uid for uid, _ in sent_classes(config)}


def test_disclosure_follows_the_configuration(config: ClinicConfig) -> None:
    text = disclosure(config)
    assert "audit.example:6514" in text and "30 min without a request" in text
    assert str(config.folder) not in text
    client = {"name": "CT", "token_file": "token"}
    receive = Receive.model_validate({"stow": {"port": 8043, "clients": [client]}})
    listening = config.model_copy(update={"receive": receive})
    assert "STOW-RS 127.0.0.1:8043" in disclosure(listening) and "STOW-RS" not in text
    assert "| STOW-RS, Store Instances (PS3.18 10.5) |  |  | yes |" in conformance(listening)


def test_bill_of_materials_repeats_and_names_versions() -> None:
    first = sbom()
    assert first == sbom()
    content = json.loads(first)
    found = {c["name"]: c for c in content["components"]}
    assert found["pydicom"]["version"] == version("pydicom")
    assert found["pydicom"]["purl"] == f"pkg:pypi/pydicom@{version('pydicom')}"
    assert found["numpy"]["licenses"]
    assert (content["bomFormat"], content["specVersion"]) == ("CycloneDX", "1.6")
    assert content["metadata"]["component"]["name"] == "overread"


def test_statement_names_the_ways_in_which_studies_are_pulled(config: ClinicConfig) -> None:
    rows = [
        {"name": "A", "aet": "A", "host": "192.0.2.8", "port": 104},
        {"name": "B", "aet": "B", "host": "192.0.2.9", "port": 104, "retrieve": "move"},
        {"name": "C", "kind": "web", "url": "https://192.0.2.9/dicom-web"},
    ]
    for count, words in enumerate(("1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.2", "WADO-RS")):
        for shown in (count, count + 1):
            pull = Pull.model_validate({"sources": rows[:shown]})
            assert (words in conformance(config.model_copy(update={"pull": pull}))) == (shown > count)
