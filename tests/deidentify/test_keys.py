"""Keys: the same everywhere, never overwritten, readable by their owner only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from overread.deidentify.keys import Key, load_key
from overread.errors import InputError


def test_results_are_those_of_any_machine() -> None:
    # HMAC-SHA256 with the key of 32 zero bytes, computed with `openssl dgst -sha256 -mac HMAC`.
    key = Key(bytes(32))
    assert key.uid("1.2.3") == "2.25.269499621210203759971596147546958806523"
    assert key.pseudonym("42") == "P-T3AFG5KFEUUDH5HH"
    assert key.days("42") == 3198


def test_another_key_gives_other_results() -> None:
    one, two = Key(bytes(32)), Key(b"\1" + bytes(31))
    assert one.uid("1.2.3") != two.uid("1.2.3")
    assert one.pseudonym("42") != two.pseudonym("42")
    assert one.fingerprint != two.fingerprint
    assert one.fingerprint not in (one.uid(""), one.pseudonym(""))


def test_results_have_their_form() -> None:
    key = Key(bytes(32))
    uids = {key.uid(f"1.2.{i}") for i in range(500)}
    assert len(uids) == 500
    assert all(u.startswith("2.25.") and len(u) <= 44 and not u[5:].startswith("0") for u in uids)
    days = [key.days(str(i)) for i in range(2000)]
    assert min(days) >= 1 and max(days) <= 3650 and max(days) > 3500 and min(days) < 150


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    key = load_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    assert load_key(path).uid("1.2") == key.uid("1.2")
    assert load_key(tmp_path / "other").fingerprint != key.fingerprint


def test_what_is_no_key_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"short")
    with pytest.raises(InputError, match="not a key"):
        load_key(path)
    assert path.read_bytes() == b"short"
    with pytest.raises(InputError, match="not a file"):
        load_key(tmp_path)
    with pytest.raises(InputError, match="31 bytes"):
        Key(bytes(31))
    assert "0000" not in repr(Key(bytes(32)))[:8]
