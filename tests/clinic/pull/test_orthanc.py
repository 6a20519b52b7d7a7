"""Studies from Orthanc, by C-GET and by C-MOVE."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.clinic.receive.raw import node
from tests.clinic.site import CEILING_SECONDS, free_port, wait_for, write_series

from overread.clinic.associate import Peer, UnreachableError
from overread.clinic.pull.retrieve import get_study, move_study
from overread.clinic.pull.settings import Source
from overread.clinic.send import echo, send_files
from overread.clinic.spool import Spool


def test_orthanc_gives_a_study_both_ways(tmp_path: Path) -> None:
    if shutil.which("Orthanc") is None:
        pytest.skip("Orthanc is not installed")
    files, port = write_series(tmp_path / "in", slices=3), free_port()
    peer = Peer("ORTHANC", "127.0.0.1", port)

    def answers() -> bool:
        try:
            return echo(peer, "NODE") == 0
        except UnreachableError:
            return False

    with node(tmp_path) as here:
        caller = {"AET": "NODE", "Host": "127.0.0.1", "Port": here.port, "AllowGet": True, "AllowMove": True}
        settings = {
            "StorageDirectory": str(tmp_path / "orthanc"),
            "IndexDirectory": str(tmp_path / "orthanc"),
            "HttpServerEnabled": False,
            "DicomPort": port,
            "DicomAet": "ORTHANC",
            "DicomModalities": {"NODE": caller},
        }
        (tmp_path / "orthanc.json").write_text(json.dumps(settings))
        running = subprocess.Popen(
            ["Orthanc", tmp_path / "orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(answers)
            assert not send_files(files, peer, "NODE").failed
            values = {"name": "ORTHANC", "aet": "ORTHANC", "host": "127.0.0.1", "port": port}
            spool = Spool(tmp_path / "got")
            got = get_study(Source.model_validate(values), "1.2.3", calling="NODE", spool=spool)
            moved = move_study(Source.model_validate({**values, "retrieve": "move"}), "1.2.3", calling="NODE")
        finally:
            running.terminate()
            running.wait(timeout=CEILING_SECONDS)
        names = sorted(f.stem for f in files)
        assert (got.completed, moved.completed) == (3, 3)
        assert spool.instances("1.2.3") == names
        assert [p.stem for p in here.files()] == names
