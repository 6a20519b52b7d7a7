"""An anchor tells an older copy and a rewritten history; an authority's time stamp is of it and of nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from overread.errors import InputError, OverreadError
from overread.ledger.anchor import anchor_mail, anchor_of, anchor_text, fault_of
from overread.ledger.commands import anchor_command, verify_command
from overread.ledger.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger.open(tmp_path / "ledger.db")
    for n in range(4):
        found.append("note", {"n": n}, actor="ann")
    return found


def test_an_anchor_holds_whatever_is_added_later(ledger: Ledger) -> None:
    anchor = anchor_of(ledger.events())
    ledger.append("note", {"n": 4})
    assert fault_of(anchor, ledger.events(), "a") == ""
    assert anchor["head"] in anchor_mail(anchor, "x")
    assert json.loads(anchor_text(anchor)) == anchor


def test_an_older_copy_a_rewritten_and_another_ledger_are_named(ledger: Ledger, tmp_path: Path) -> None:
    anchor = anchor_of(ledger.events())
    assert "had 4 rows when it was noted" in fault_of(anchor, ledger.events()[:3], "a")
    other = Ledger.open(tmp_path / "other.db")
    other.append("note", {})
    assert "is of another ledger" in fault_of(anchor, other.events(), "a")
    assert "the history was rewritten" in fault_of(anchor | {"head": "0" * 64}, ledger.events(), "a")
    with pytest.raises(InputError, match="nothing to anchor"):
        anchor_of([])


def authority(folder: Path) -> Path:
    """A time stamp authority of our own, by openssl: root, certificate with the one purpose of stamping, settings."""
    (folder / "tsa.cnf").write_text(
        "[ req ]\ndistinguished_name = name\n[ name ]\n"
        "[ root ]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n"
        "subjectKeyIdentifier = hash\n"
        "[ stamp ]\nextendedKeyUsage = critical, timeStamping\nkeyUsage = critical, digitalSignature\n"
        "basicConstraints = critical, CA:FALSE\n"
        "[ tsa ]\ndefault_tsa = tsa_config\n"
        f"[ tsa_config ]\ndir = {folder}\nserial = $dir/serial\nsigner_cert = $dir/tsa.pem\n"
        "signer_key = $dir/tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\n"
        "accuracy = secs:1\ness_cert_id_alg = sha256\n"
    )
    (folder / "serial").write_text("01\n")
    for words in (
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root -days 30 -config tsa.cnf "
        "-extensions root",
        "req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=Stamps -config tsa.cnf",
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -out tsa.pem -days 30 -extfile tsa.cnf "
        "-extensions stamp",
    ):
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
    return folder / "root.pem"


def test_a_time_stamp_proves_when_the_anchor_was_there(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rfc3161_client")
    root, anchor, where = authority(tmp_path), tmp_path / "anchor.json", str(tmp_path / "ledger.db")
    anchor_command(where, anchor, request=True)
    reply = "openssl ts -reply -config tsa.cnf -queryfile anchor.tsq -out anchor.tsr"
    subprocess.run(reply.split(), cwd=tmp_path, check=True, capture_output=True)
    capsys.readouterr()
    verify_command(where, anchors=[anchor], authority=root)
    assert "seen by the authority on 20" in capsys.readouterr().out
    verify_command(where, anchors=[anchor])
    assert "was not checked: name --authority" in capsys.readouterr().out
    # openssl, which made it, agrees.
    check = "openssl ts -verify -data anchor.json -in anchor.tsr -CAfile root.pem"
    assert (
        "OK" in subprocess.run(check.split(), cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    )
    stamped = anchor.read_text()
    anchor.write_text(stamped.replace('"rows":4', '"rows": 4'))
    with pytest.raises(InputError, match="is no time stamp of this anchor"):
        verify_command(where, anchors=[anchor], authority=root)
    anchor.write_text(stamped)
    anchor.with_suffix(".tsr").write_bytes(b"0")
    with pytest.raises(InputError, match="openssl ts -verify` may"):
        verify_command(where, anchors=[anchor], authority=root)


def test_what_is_no_authority_gives_no_stamp_and_leaves_the_anchor(ledger: Ledger, tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client")
    anchor, where = tmp_path / "anchor.json", str(tmp_path / "ledger.db")
    with pytest.raises(InputError, match="expected the http"):
        anchor_command(where, anchor, url="ftp://tsa.example")
    with pytest.raises(OverreadError, match="no reply"):
        anchor_command(where, anchor, url="http://127.0.0.1:9/")
    verify_command(where, anchors=[anchor])
