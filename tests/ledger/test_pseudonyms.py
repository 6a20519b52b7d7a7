"""UIDs stand in the chain under a keyed hash: the same study has the same name, which the key alone finds again."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.errors import InputError
from overread.ledger.pseudonyms import FILE, Pseudonyms

STUDY = "1.2.840.113619.2.5.1762583153"


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    names = Pseudonyms.of_folder(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert Pseudonyms.of_folder(tmp_path).name(STUDY) == names.name(STUDY)
    assert Pseudonyms(bytes(32)).name(STUDY) != names.name(STUDY)
    (tmp_path / FILE).write_text("short")
    with pytest.raises(InputError, match="is no key of 64"):
        Pseudonyms.of_folder(tmp_path)


def test_the_name_is_hmac_sha256(tmp_path: Path) -> None:
    import subprocess

    words = f"openssl dgst -sha256 -mac HMAC -macopt hexkey:{'00' * 32}".split()
    done = subprocess.run(words, input=STUDY, capture_output=True, text=True, check=True)
    assert Pseudonyms(bytes(32)).name(STUDY) == "uid:" + done.stdout.split()[-1][:32]


def test_uids_are_hidden_wherever_they_stand_and_nothing_else_is() -> None:
    names = Pseudonyms(bytes(32))
    hidden = names.hidden(
        {
            "study": STUDY,
            "priors": [STUDY, "none"],
            "objects": {STUDY: "UNREADABLE"},
            "subject": "b" * 64,
            "address": "1.2.3.4",
            "version": "0.1.0",
            "count": 3,
        }
    )
    name = names.name(STUDY)
    assert hidden == {
        "study": name,
        "priors": [name, "none"],
        "objects": {name: "UNREADABLE"},
        "subject": "b" * 64,
        "address": "1.2.3.4",
        "version": "0.1.0",
        "count": 3,
    }
    assert names.find(name, ["1.2.3", STUDY]) == STUDY
    assert names.find(name, ["1.2.3"]) == ""
