"""The clinic's door, for the imaging informatics admin: the node, and DICOM peers to try it with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli.app import Out, app


@app.command()
def serve(
    config: Annotated[Path, typer.Argument(metavar="clinic.yaml", help="The node's configuration.")],
) -> None:
    """Run the DICOM node and its status page until stopped."""
    from overread.web.serve import serve as run_node

    run_node(config)


@app.command()
def send(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files or folders.")],
    to: Annotated[str, typer.Option("--to", help="Receiver as AET@host:port.")],
    calling: Annotated[str, typer.Option("--from", help="Our application entity title.")] = "OVERREAD",
) -> None:
    """Send DICOM files to a node by C-STORE."""
    from overread.clinic.send_command import send_command

    send_command(paths, to, calling)


@app.command()
def echo(
    to: Annotated[str, typer.Option("--to", help="Node as AET@host:port.")],
    calling: Annotated[str, typer.Option("--from", help="Our application entity title.")] = "OVERREAD",
) -> None:
    """Ask a DICOM node whether it answers (C-ECHO)."""
    from overread.clinic.send_command import echo_command

    echo_command(to, calling)


@app.command()
def receive(
    out: Out,
    port: Annotated[int, typer.Option("--port", help="TCP port to listen on.")] = 11113,
    aet: Annotated[str, typer.Option("--aet", help="Our application entity title.")] = "PACS",
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run a plain storage node that keeps what it receives in a folder: a stand-in for a PACS."""
    from overread.clinic.storage import receive_command

    receive_command(out, host, port, aet)


Config = Annotated[Path, typer.Argument(metavar="clinic.yaml", help="The node's configuration.")]


@app.command()
def work(
    config: Config,
    name: Annotated[str, typer.Option("--name", help="Tells workers of one host apart.")] = "1",
) -> None:
    """Analyse studies for a node on a shared PostgreSQL, on this host or another."""
    from overread.clinic.config import load_config
    from overread.clinic.worker import work as run_worker

    run_worker(load_config(config), name)


@app.command()
def route(
    config: Config,
    study: Annotated[
        str, typer.Argument(help="Study Instance UID in the spool, or DICOM files or a folder.")
    ],
    explain: Annotated[bool, typer.Option("--explain", help="Say of every route why.")] = False,
    sender: Annotated[str, typer.Option("--from", help="Calling title that sent it.")] = "",
) -> None:
    """Say which routes would take a study; nothing is answered or sent."""
    from overread.clinic.config import load_config
    from overread.clinic.route_command import route_command

    route_command(load_config(config), study, sender, explain)


@app.command()
def doctor(
    config: Config,
    sample: Annotated[
        list[Path] | None, typer.Option("--sample", help="DICOM files to hold against the routes.")
    ] = None,
) -> None:
    """Check disk, clock, database, packages, ports, certificates and destinations of a node."""
    from overread.clinic.config import load_config
    from overread.clinic.doctor import doctor_command

    doctor_command(load_config(config), sample or [])


@app.command(name="dead-letters")
def dead_letters(config: Config) -> None:
    """List what failed at a node and waits for a person."""
    from overread.clinic.config import load_config
    from overread.clinic.operate_command import dead_letters_command

    dead_letters_command(load_config(config))


@app.command()
def replay(
    config: Config,
    what: Annotated[list[str] | None, typer.Argument(help="Runs or Study Instance UIDs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that failed.")] = False,
) -> None:
    """Ask a node to take up again what failed."""
    from overread.clinic.config import load_config
    from overread.clinic.operate_command import replay_command

    replay_command(load_config(config), what or [], every)


@app.command()
def pull(
    config: Config,
    study: Annotated[str, typer.Argument(help="Study Instance UID.")],
    source: Annotated[str, typer.Option("--from", help="Name of an archive in the configuration.")],
) -> None:
    """Fetch a study from an archive to a node that runs, by C-GET, C-MOVE or WADO-RS."""
    from overread.clinic.config import load_config
    from overread.clinic.pull.command import pull_command

    pull_command(load_config(config), study, source)


@app.command()
def backup(
    config: Config, out: Annotated[Path, typer.Option("--out", help="New folder for the copy.")]
) -> None:
    """Copy a node's folder while it runs."""
    from overread.clinic.config import load_config
    from overread.clinic.operate_command import backup_command

    backup_command(load_config(config), out)


@app.command()
def restore(
    config: Config, source: Annotated[Path, typer.Option("--from", help="Folder that overread backup made.")]
) -> None:
    """Put a backup into the empty folder of a node that does not run."""
    from overread.clinic.backup import restore as put_back
    from overread.clinic.config import load_config

    settings = load_config(config)
    count = put_back(source, settings.folder)
    typer.echo(f"{count} files are in {settings.folder}")


@app.command(name="clinic-schema")
def clinic_schema() -> None:
    """Print the JSON schema of clinic.yaml."""
    import json

    from overread.clinic.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command("qualify-engine")
def qualify_engine(
    package: Annotated[Path, typer.Argument(help="Package folder or .overread file.")],
    threads: Annotated[
        int, typer.Option("--threads", min=0, help="Cores that each network may use; all without it.")
    ] = 0,
) -> None:
    """Measure which engine answers fastest for a package on this machine, with the same numbers, and remember it."""
    from overread.pipeline.stages.qualify import qualify_command

    qualify_command(package, threads=threads)
