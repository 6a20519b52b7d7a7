"""overread pull: a study from an archive to the node that runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console

from overread.clinic.associate import Peer
from overread.clinic.config import ClinicConfig
from overread.clinic.pull.retrieve import Retrieved, get_study, move_study
from overread.clinic.pull.settings import AnySource, Source
from overread.clinic.pull.web import fetch_study
from overread.clinic.send import send_files
from overread.clinic.spool import Spool, safe_uid
from overread.errors import InputError, OverreadError, printable
from overread.files import only_mine


def pull_study(config: ClinicConfig, source: AnySource, study: str) -> int:
    """How many instances the node has of it now that it was pulled; those that it had before are told, too.

    Whatever comes goes to the node by C-STORE, so that it is kept, routed and answered like all that is sent to it.

    Raises
    ------
    OverreadError
        The archive or the node does not answer, has no such study, or could not send or take all of it.
    """
    if isinstance(source, Source) and source.retrieve == "move":
        return _complete(move_study(source, study, calling=config.aet), source, study)
    config.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=config.folder) as scratch:
        spool = Spool(Path(scratch))
        if isinstance(source, Source):
            retrieved = get_study(source, study, calling=config.aet, spool=spool)
        else:
            retrieved = fetch_study(
                source, study, spool=spool, longest=config.receive.maximum_object_mb << 20
            )
        paths = [spool.path(study, sop) for sop in spool.instances(study)]
        if paths:
            host = (
                "127.0.0.1"
                if config.host in ("0.0.0.0", "")
                else "::1"
                if config.host == "::"
                else config.host
            )
            sent = send_files(paths, Peer(config.aet, host, config.port), config.aet)
            if sent.failed:
                raise OverreadError(f"the node did not store {sent.failed[0]}")
        return _complete(retrieved, source, study)


def _complete(retrieved: Retrieved, source: AnySource, study: str) -> int:
    if retrieved.failed or retrieved.problem:
        raise OverreadError(
            f"{source.name}: sent {retrieved.completed} instances of {study}, {retrieved.failed} could not be sent"
            + (f" ({retrieved.problem})" if retrieved.problem else "")
            + "; pull again, what is here is kept once"
        )
    if not retrieved.completed:
        raise OverreadError(f"{source.name}: sent nothing of study {study}; it may not have it")
    return retrieved.completed


@only_mine()
def pull_command(config: ClinicConfig, study: str, name: str) -> None:
    """Pull a study and say how many instances came."""
    console = Console(highlight=False, soft_wrap=True)
    source = next((s for s in config.pull.sources if s.name == name), None)
    if source is None:
        known = ", ".join(s.name for s in config.pull.sources) or "none"
        raise InputError(f"--from {name}: is not among pull.sources of the configuration ({known})")
    try:
        safe_uid(study)
    except ValueError as error:
        raise InputError(f"{error}; expected a Study Instance UID") from error
    with console.status(printable(f"pulling {study} from {name}")):
        count = pull_study(config, source, study)
    console.print(printable(f"{count} instances of {study} came from {name}"), markup=False)
