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
