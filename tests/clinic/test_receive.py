"""`overread receive`: a stand-in for a PACS that keeps what it gets for its user alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.clinic.site import CEILING_SECONDS, free_port, wait_for, write_series

from overread.clinic.send import Peer, UnreachableError, echo, send_files


def up(peer: Peer) -> bool:
    try:
        return echo(peer, "ME", timeout=CEILING_SECONDS) == 0
    except UnreachableError:
        return False


def test_receive(tmp_path: Path) -> None:
    out, peer = tmp_path / "kept", Peer("PACS", "127.0.0.1", free_port())
    command = [sys.executable, "-m", "overread.cli", "receive", "--out", str(out), "--port", str(peer.port)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, umask=0o022
    )
    try:
        wait_for(lambda: up(peer))
        files = write_series(tmp_path / "in", slices=2)
        assert send_files(files, peer, "ME").failed == ()
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=CEILING_SECONDS)
    assert process.returncode == 0
    assert (
        said.count("stored from ME: ") == 2
        and "stop with Ctrl+C" in said
        and said.endswith("stopping\n")
        and "note:" not in said
    )
    modes = {p.name: p.stat().st_mode & 0o777 for p in (out, *out.rglob("*"))}
    assert {n: m for n, m in modes.items() if n.endswith(".dcm")} == dict.fromkeys(
        (f.name for f in files), 0o600
    )
    folders = {p.name for p in (out, *out.rglob("*")) if p.is_dir()}
    assert {modes[n] for n in folders} == {0o700}
    assert {m for n, m in modes.items() if n not in folders} == {0o600}


def test_a_folder_that_others_may_look_into_is_told(tmp_path: Path) -> None:
    out, peer = tmp_path / "kept here", Peer("PACS", "127.0.0.1", free_port())
    out.mkdir()
    out.chmod(0o755)
    command = [sys.executable, "-m", "overread.cli", "receive", "--out", str(out), "--port", str(peer.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: up(peer))
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=CEILING_SECONDS)
    assert f"chmod -R go= '{out}'" in said
    assert out.stat().st_mode & 0o777 == 0o755
