"""Mutated conversations: nothing outside the spool, nothing half-written, no error of ours, and the next one is served.

`benchmarks/fuzz_receiver.py` explores far more of them.
"""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clinic.receive.mutate import converse, mutated
from tests.clinic.receive.raw import EXPLICIT, MR, data_set, node
from tests.clinic.site import wait_for

from overread.clinic.encoded import NotWholeError, elements
from overread.clinic.receive import dimse
from overread.clinic.receive.negotiate import parse_request
from overread.clinic.receive.pdu import ProtocolError, values
from overread.clinic.receive.peek import study_of_beginning
from overread.clinic.spool import Spool

EXAMPLES = 150


def test_mutated_conversations(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with node(tmp_path, request_seconds=1) as here:
        for seed in range(EXAMPLES):
            converse(here.port, mutated(seed))
        wait_for(here.nothing_left)
        here.works()
        inside = {p.name for p in tmp_path.iterdir()}
    assert inside == {"spool"}
    # Every line is one that we wrote on purpose; an error would be one that we did not foresee.
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_no_bytes_are_read_as_more_than_they_are(data: bytes) -> None:
    """Each reader answers or refuses; none meets an error of another kind."""
    for read in (parse_request, lambda d: values(memoryview(d))):
        with suppress(ProtocolError):
            read(data)
    dimse.parse(data)
    for syntax in (EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.3"):
        study_of_beginning(data, syntax)
        with suppress(NotWholeError):
            elements(data, syntax, ())


def test_mutated_data_sets_are_kept_as_they_came_or_refused(tmp_path: Path) -> None:
    spool, rng = Spool(tmp_path / "spool"), random.Random(0)
    seen = set()
    for _ in range(EXAMPLES):
        whole = bytearray(data_set(PatientName="A^B", StudyDescription="x" * 20))
        for _ in range(rng.randint(1, 4)):
            whole[rng.randrange(len(whole))] = rng.randrange(256)
        stored = spool.store(bytes(whole), MR, "1.2.3.1", EXPLICIT)
        files = list(spool.folder.glob("*/*.dcm"))
        seen.add(int(stored.status))
        assert (stored.status == 0) == (len(files) == 1)
        if files:
            assert files[0].read_bytes().endswith(bytes(whole))
            assert files[0] == spool.path(stored.study, "1.2.3.1")
            spool.remove(stored.study)
    assert {0x0000, 0xA900, 0xC000} <= seen


@settings(max_examples=50)
@given(
    st.dictionaries(st.integers(0x1010, 0x5000), st.text("0123456789.", max_size=64), max_size=5),
    st.integers(0, 0xFFFF),
)
def test_a_command_set_comes_back_as_it_was(texts: dict[int, str], field: int) -> None:
    texts = {n: t for n, t in texts.items() if n not in dimse.SHORTS}
    found = dimse.parse(dimse.encode({dimse.FIELD: field, **texts}))
    assert (found.field, found.texts, found.whole) == (field, texts, True)
