"""clinic.yaml: a fault is one line with file and key."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from overread.clinic.config import load_config
from overread.errors import InputError

ROUTE = {"name": "r", "package": "a.overread", "match": {"Modality": "^MR$"}}
GOOD: dict[str, Any] = {
    "aet": "OVERREAD",
    "port": 11112,
    "folder": "state",
    "routes": [ROUTE],
    "destinations": [{"name": "PACS", "aet": "PACS", "host": "127.0.0.1", "port": 104}],
}

STOW = {"kind": "stow", "name": "W", "token_file": "token"}
FHIR = {"kind": "fhir", "name": "F", "token_file": "token"}
WEB = {"kind": "web", "name": "A", "token_file": "token"}


def write(folder: Path, content: Any) -> Path:
    path = folder / "clinic.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_defaults_and_relative_paths(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.folder == tmp_path / "state"
    assert config.routes[0].package == tmp_path / "a.overread"
    assert (config.host, config.quiet_seconds, config.peers) == ("127.0.0.1", 30, None)
    assert config.content_qualification == "RESEARCH"
    assert config.delivery.attempts == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quiet": 3}, "quiet: unknown key"),
        ({"aet": "A" * 17}, "aet"),
        ({"aet": "BACK\\SLASH"}, "aet"),
        ({"port": 0}, "port"),
        ({"port": "many"}, "port"),
        ({"quiet_seconds": -1}, "quiet_seconds"),
        ({"content_qualification": "SERVICE"}, "content_qualification"),
        ({"routes": []}, "routes"),
        ({"peers": []}, "peers"),
        ({"routes": [{"name": "r"}]}, "routes.0.package: missing"),
        (
            {"routes": [{**GOOD["routes"][0], "match": {"Modalety": "MR"}}]},
            "'Modalety' is not a DICOM keyword",
        ),
        ({"routes": [{**GOOD["routes"][0], "match": {"Modality": "("}}]}, "not a regular expression"),
        ({"routes": GOOD["routes"] * 2}, "'r' is used twice"),
        ({"destinations": GOOD["destinations"] * 2}, "'PACS' is used twice"),
        ({"web": {"prt": 1}}, "web.prt: unknown key"),
        ({"delivery": {"attempts": 0}}, "delivery.attempts"),
        (
            {"destinations": [{**STOW, "url": "http://192.0.2.7/dicom-web"}]},
            "would go to 192.0.2.7 unencrypted",
        ),
        (
            {"destinations": [{**FHIR, "url": "http://pacs.example/fhir"}]},
            "would go to pacs.example unencrypted",
        ),
        (
            {"pull": {"sources": [{**WEB, "url": "http://[2001:db8::7]/"}]}},
            "would go to 2001:db8::7 unencrypted",
        ),
        ({"web": {"proxies": ["nginx"]}}, "expected an IP address or network"),
    ],
)
def test_fault_is_one_line_with_file_and_key(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = write(tmp_path, {**copy.deepcopy(GOOD), **change})
    with pytest.raises(InputError) as caught:
        load_config(path)
    text = str(caught.value)
    assert words in text
    assert text.startswith(f"{path}: ")
    assert "\n" not in text


@pytest.mark.parametrize("content", ["aet: [", "just text", "- a\n- b", ""])
def test_not_a_configuration(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError, match=r"clinic\.yaml: "):
        load_config(path)


def test_missing_key_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"folder: missing"):
        load_config(write(tmp_path, {k: v for k, v in GOOD.items() if k != "folder"}))
    with pytest.raises(InputError, match=r"absent.yaml: cannot be read"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "safe",
    [
        {"url": "https://192.0.2.7/dicom-web"},
        {"url": "http://127.0.0.1:8042/dicom-web"},
        {"url": "http://[::1]/dicom-web"},
        {"url": "http://192.0.2.7/dicom-web", "plain": True},
        {"url": "http://192.0.2.7/dicom-web", "token_file": None},
    ],
)
def test_tokens_go_where_nobody_listens_or_where_it_is_said(tmp_path: Path, safe: dict[str, Any]) -> None:
    load_config(write(tmp_path, {**GOOD, "destinations": [{**STOW, **safe}]}))
