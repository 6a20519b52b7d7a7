"""A temporary PostgreSQL cluster, and the two kinds of ledger a test runs on."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from overread.ledger.ledger import Ledger


def _tool(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL prefix of a throw-away PostgreSQL server on a unix socket; add the database's name."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, server = _tool("initdb"), _tool("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed")
    as_user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("running as root and there is no user postgres to run the server as")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = folder / "data"
    make = [
        *as_user,
        initdb,
        "-D",
        data,
        "-U",
        "tester",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(make, check=True, capture_output=True, cwd=folder)
    log = (folder / "log").open("wb")
    options = ["-c", "listen_addresses=", "-k", str(folder), "-c", "shared_buffers=16MB"]
    process = subprocess.Popen([*as_user, server, "-D", data, *options], stdout=log, stderr=log, cwd=folder)
    try:
        ready = [str(_tool("pg_isready")), "-h", str(folder), "-U", "tester", "-t", "1"]
        for _ in range(100):
            if subprocess.run(ready, capture_output=True).returncode == 0:
                break
            assert process.poll() is None, (folder / "log").read_text()
            subprocess.run(["sleep", "0.1"], check=True)
        yield f"postgresql+psycopg://tester@/{{}}?host={folder}"
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown: does not wait for clients to leave
        process.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str, request: pytest.FixtureRequest) -> str:
    """URL of a new, empty database."""
    import psycopg

    name = f"t{abs(hash(request.node.nodeid))}"
    admin = postgres.format("postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.format(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a ledger that does not exist yet, once for each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def filled(url: str) -> Ledger:
    """A ledger of seven events."""
    ledger = Ledger.open(url)
    for number in range(7):
        ledger.append("train", {"epoch": number, "loss": 1 / (number + 1)}, actor="tester")
    return ledger
