"""Child processes: what hangs, crashes or grows costs no more than itself, and nothing outlives the node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.clinic.site import wait_for

from overread.clinic.child import process
from overread.clinic.child.pool import Cores
from overread.clinic.child.process import (
    Budget,
    Child,
    ChildDiedError,
    ChildTooLargeError,
    ChildTooSlowError,
    StoppingError,
)

ECHO = """
import json, os, sys, time
sys.path[:0] = {path!r}
from overread.clinic.child.main import _die_with_the_node
start = json.loads(sys.stdin.readline())
_die_with_the_node(start["lifeline"])
held = []
for line in sys.stdin:
    job = json.loads(line)
    if job["do"] == "die":
        os.kill(os.getpid(), 11)
    if job["do"] == "say":
        print("value of Doe^Jane", file=sys.stderr, flush=True)
        os.write(2, b"x" * 10_000 + bytes([10]))
    if job["do"] == "exit":
        sys.exit(3)
    while job["do"] == "hang":
        # As a pattern that never ends: no signal handler and no thread of Python's runs.
        pass
    while job["do"] == "grow":
        held.append(bytearray(os.urandom(1 << 16)) * 64)
    print(json.dumps({{"value": os.getpid()}}), flush=True)
"""
FOR_EVER = 86400.0


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "child.py"
    script.write_text(ECHO.format(path=[p for p in sys.path if p]))
    monkeypatch.setattr(process, "COMMAND", (sys.executable, str(script)))


def ask(
    child: Child, what: str, *, seconds: float = FOR_EVER, stop: threading.Event | None = None
) -> dict[str, Any]:
    return child.ask({"do": what}, seconds=seconds, stop=stop or threading.Event())


@pytest.mark.usefixtures("program")
def test_one_process_does_job_after_job() -> None:
    child = Child("{}", Budget())
    assert ask(child, "work") == ask(child, "work") == {"value": child.pid}
    child.end()
    with pytest.raises(ChildDiedError):
        ask(child, "work")


@pytest.mark.usefixtures("program")
def test_what_becomes_of_it_is_told() -> None:
    for what, words in (("die", "SIGSEGV"), ("exit", "exit code 3")):
        child = Child("{}", Budget())
        with pytest.raises(ChildDiedError, match=words):
            ask(child, what)
        assert not child.alive
    child = Child("{}", Budget())
    with pytest.raises(ChildTooSlowError):
        ask(child, "hang", seconds=0.2)
    assert not child.alive
    child = Child("{}", Budget(memory=200 << 20))
    with pytest.raises(ChildTooLargeError):
        ask(child, "grow")
    assert not child.alive
    child, stop = Child("{}", Budget()), threading.Event()
    stop.set()
    with pytest.raises(StoppingError):
        ask(child, "hang", stop=stop)
    assert not child.alive


@pytest.mark.usefixtures("program")
def test_it_dies_with_the_node_even_where_it_hangs(tmp_path: Path) -> None:
    """SIGKILL of the node, while its child holds the interpreter's lock for ever."""
    script, pid = tmp_path / "node.py", tmp_path / "pid"
    script.write_text(
        f"import sys, threading\nsys.path[:0] = {[p for p in sys.path if p]!r}\n"
        f"from overread.clinic.child import process\nprocess.COMMAND = {process.COMMAND!r}\n"
        "child = process.Child('{}', process.Budget())\n"
        "stop = threading.Event()\nchild.ask({'do': 'work'}, seconds=86400, stop=stop)\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "child.ask({'do': 'hang'}, seconds=86400, stop=stop)\n"
    )
    node = subprocess.Popen([sys.executable, str(script)])
    wait_for(lambda: pid.exists() and pid.read_text())
    node.kill()
    node.wait()
    wait_for(lambda: _gone(int(pid.read_text())))


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_cores_are_given_in_the_order_of_asking() -> None:
    cores, stop = Cores(4), threading.Event()
    order: list[str] = []

    def take(name: str, count: int) -> None:
        with cores.take(count, stop):
            order.append(name)

    with cores.take(3, stop):
        large = threading.Thread(target=take, args=("large", 4))
        large.start()
        wait_for(lambda: len(cores._turn) == 1)
        small = threading.Thread(target=take, args=("small", 1))
        small.start()
        wait_for(lambda: len(cores._turn) == 2)
        assert order == [], "one core is free, and yet the small one does not pass the large one"
    large.join()
    small.join()
    assert order == ["large", "small"]
    stop.set()
    with cores.take(4, threading.Event()), pytest.raises(StoppingError), cores.take(1, stop):
        pass


def test_the_real_child_looks_at_headers(tmp_path: Path) -> None:
    from tests.clinic.site import write_series

    from overread.clinic.config import ClinicConfig

    files = write_series(tmp_path / "in", slices=2)
    config = ClinicConfig.model_validate(
        {
            "aet": "N",
            "folder": tmp_path / "state",
            "routes": [{"name": "r", "package": tmp_path / "p", "match": {"Modality": "MR"}}],
            "destinations": [{"name": "P", "aet": "P", "host": "127.0.0.1", "port": 1}],
        }
    )
    child = Child(config.model_dump_json(), Budget(cores=1))
    job = {"do": "look", "files": [str(f) for f in files], "skip": [], "marks": ""}
    answer = child.ask(job, seconds=FOR_EVER, stop=threading.Event())
    assert answer["value"]["fits"] == {"r": True}
    assert json.dumps(answer)
    assert "error" in child.ask({"do": "nonsense"}, seconds=FOR_EVER, stop=threading.Event())
    assert os.getpid() != child.pid
    child.end()


@pytest.mark.usefixtures("program")
def test_what_a_child_says_goes_through_our_log(caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    child = Child("{}", Budget())
    ask(child, "say")
    # Its lines come by a thread of their own, in pieces that are not too long.
    wait_for(lambda: sum(len(r.getMessage()) for r in caplog.records) >= 10_000)
    child.end()
    assert capfd.readouterr().err.count("Jane") == 0
    assert "child: value of Doe^Jane" in caplog.messages, "from where the formatters take it out"
    assert max(map(len, caplog.messages)) <= process.LONGEST_LINE_BYTES + len("child: ")
