"""A letter is opened by each of its holders, and by nobody else; altered, by nobody."""

from __future__ import annotations

import base64

import pytest

from overread.errors import InputError
from overread.keys.letter import open_letter, seal_letter
from overread.keys.ring import Keyring

WORDS = "four words of hers"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    found = Keyring(tmp_path_factory.mktemp("keys"))
    for name in ("Ann", "Bob", "Eve"):
        found.new(name, ["quality"], WORDS)
    return found


def test_each_holder_opens_it_and_nobody_else(ring: Keyring) -> None:
    letter = seal_letter(b"malignant", [ring.find("Ann"), ring.find("Bob")], what="labels")
    assert "malignant" not in str(letter) and base64.b64encode(b"malignant").decode() not in str(letter)
    for name in ("Ann", "Bob"):
        assert open_letter(letter, ring.open(name, WORDS), "f", what="labels") == b"malignant"
    with pytest.raises(InputError, match=r"is sealed for Ann, Bob, not for Eve's key .* is lost"):
        open_letter(letter, ring.open("Eve", WORDS), "f", what="labels")
    with pytest.raises(InputError, match="altered"):
        open_letter(letter, ring.open("Ann", WORDS), "f", what="something else")


@pytest.mark.parametrize("part", ["data", "nonce", "ephemeral"])
def test_an_altered_letter_is_not_opened(ring: Keyring, part: str) -> None:
    letter = seal_letter(b"malignant", [ring.find("Ann")], what="labels")
    data = bytearray(base64.b64decode(letter[part]))
    data[3] ^= 1
    letter[part] = base64.b64encode(data).decode()
    with pytest.raises(InputError, match="altered"):
        open_letter(letter, ring.open("Ann", WORDS), "f", what="labels")


def test_a_letter_needs_a_holder_and_a_damaged_one_is_said(ring: Keyring) -> None:
    with pytest.raises(InputError, match="name one or more holders"):
        seal_letter(b"", [], what="labels")
    with pytest.raises(InputError, match="damaged"):
        open_letter({"holders": "x"}, ring.open("Ann", WORDS), "f", what="labels")
