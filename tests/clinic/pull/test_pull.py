"""Studies from an archive, with pynetdicom as the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from tests.clinic.receive.raw import Node, node
from tests.clinic.site import write_series

from overread.clinic.associate import UnreachableError
from overread.clinic.config import ClinicConfig
from overread.clinic.pull.retrieve import GET, MOVE, get_study
from overread.clinic.pull.settings import Pull, Source
from overread.clinic.pull_command import pull_command, pull_study
from overread.clinic.spool import Spool
from overread.errors import InputError, OverreadError

STUDY = "1.2.3"


class BrokenError(Exception):
    """The archive falls over."""


@contextmanager
def archive(files: list[Path], *, places: dict[str, int] | None = None, **handlers: Any) -> Iterator[int]:
    """A provider of C-GET and C-MOVE that holds ``files``; its port."""

    def matching(event: Any) -> list[Dataset]:
        return [ds for ds in map(dcmread, files) if ds.StudyInstanceUID == event.identifier.StudyInstanceUID]

    def get(event: Any) -> Iterator[Any]:
        found = matching(event)
        yield len(found)
        for ds in found:
            yield 0xFF00, ds

    def move(event: Any) -> Iterator[Any]:
        port = (places or {}).get(event.move_destination)
        if port is None:
            yield None, None
            return
        yield "127.0.0.1", port
        yield from get(event)

    ae = AE("PACS")
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, scu_role=True, scp_role=True)
    for model in (GET, MOVE):
        ae.add_supported_context(model)
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.4")
    server = ae.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_GET, handlers.get("get", get)), (evt.EVT_C_MOVE, move)],
    )
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def source_at(port: int, **values: Any) -> Source:
    return Source.model_validate({"name": "PACS", "aet": "PACS", "host": "127.0.0.1", "port": port, **values})


def config_of(folder: Path, here: Node, source: Source) -> ClinicConfig:
    return ClinicConfig.model_construct(
        aet="NODE", host="127.0.0.1", port=here.port, folder=folder / "node", pull=Pull(sources=[source])
    )


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_study_comes_to_the_node_once(tmp_path: Path, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = write_series(tmp_path / "a", slices=3) + write_series(tmp_path / "b", study="1.2.4", slices=1)
    with node(tmp_path) as here, archive(files, places={"NODE": here.port}) as port:
        config = config_of(tmp_path, here, source_at(port, retrieve=way))
        for _ in range(2):
            pull_command(config, STUDY, "PACS")
            assert capsys.readouterr().out == "3 instances of 1.2.3 came from PACS\n"
        assert [p.name for p in here.files()] == sorted(f.name for f in files[:3])
        for kept, sent in zip(here.files(), files, strict=False):
            assert dcmread(kept) == dcmread(sent)
        assert [s.new for s in here.stored] == [True] * 3 + [False] * 3
    # Nothing of a patient is left beside the node.
    assert list((tmp_path / "node").glob("*") if (tmp_path / "node").exists() else []) == []


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_study_that_is_not_there_is_an_error(tmp_path: Path, way: str) -> None:
    with node(tmp_path) as here, archive([], places={"NODE": here.port}) as port:
        source = source_at(port, retrieve=way)
        with pytest.raises(OverreadError, match="sent nothing"):
            pull_study(config_of(tmp_path, here, source), source, STUDY)


def test_a_title_that_the_archive_does_not_know(tmp_path: Path) -> None:
    files = write_series(tmp_path / "a", slices=1)
    with node(tmp_path) as here, archive(files) as port:
        source = source_at(port, retrieve="move")
        with pytest.raises(OverreadError, match="0xa801"):
            pull_study(config_of(tmp_path, here, source), source, STUDY)


def test_what_was_not_asked_for_is_not_kept(tmp_path: Path) -> None:
    [other] = write_series(tmp_path / "b", study="1.2.4", slices=1)

    def another(event: Any) -> Iterator[Any]:
        yield 1
        yield 0xFF00, dcmread(other)

    spool = Spool(tmp_path / "spool")
    with archive([], get=another) as port:
        retrieved = get_study(source_at(port), STUDY, calling="NODE", spool=spool)
    assert retrieved.failed == 1
    assert spool.studies() == []


def test_an_archive_that_is_not_there_and_one_that_falls_over(tmp_path: Path) -> None:
    def falls(event: Any) -> Iterator[Any]:
        yield 1
        raise BrokenError

    spool = Spool(tmp_path / "spool")
    with archive([], get=falls) as port:
        assert get_study(source_at(port), STUDY, calling="NODE", spool=spool).problem
    with pytest.raises(UnreachableError):
        get_study(source_at(port), STUDY, calling="NODE", spool=spool)


def test_names_that_are_none(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        config = config_of(tmp_path, here, source_at(1))
        with pytest.raises(InputError, match="not among"):
            pull_command(config, STUDY, "OTHER")
        with pytest.raises(InputError, match="Study Instance UID"):
            pull_command(config, "../x", "PACS")
    with pytest.raises(ValueError, match="used twice"):
        Pull(sources=[source_at(1), source_at(2)])
