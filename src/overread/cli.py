"""The command line: every command names its options and calls one function. No logic here."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cohort.adapters.registry import ADAPTERS, Adapter
from overread.cohort.adapters.registry import run as run_adapter
from overread.errors import OverreadError

# Commands are listed in the order a person meets them; heavy rooms are imported inside the commands.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train, validate, package, deploy and watch a medical-imaging AI model.",
)
imports = typer.Typer(no_args_is_help=True, help="Make a cohort folder from data in a known layout.")
ledger = typer.Typer(no_args_is_help=True, help="Look into and verify the chain of evidence.")
app.add_typer(imports, name="import")
app.add_typer(ledger, name="ledger")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The protocol's folder, with cohort.csv.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to make.")]
Budget = Annotated[
    Optional[str], typer.Option("--budget", help="Wall-clock time for the whole run, such as 90s, 5m or 2h.")
]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for everything the demo makes.")] = Path(
        "demo-out"
    ),
    serve: Annotated[bool, typer.Option("--serve", help="Leave the node and its pages running.")] = False,
) -> None:
    """Drive the whole road once, on virtual patients: cohort, training, test, clinic node, results."""
    from overread.demo.road import run_demo

    run_demo(out, serve=serve)


@app.command()
def init(folder: Folder) -> None:
    """Write a protocol.yaml that fits DIR/cohort.csv, to be read and edited."""
    from overread.pipeline.stages import init_stage

    init_stage(folder)


@app.command()
def check(folder: Folder) -> None:
    """Look for faults in the cohort: leakage, unreadable files, wrong geometry, empty classes."""
    from overread.pipeline.stages import check_stage

    check_stage(folder)


@app.command()
def split(
    folder: Folder,
    method: Annotated[
        str,
        typer.Option("--method", help="stratified, patient (by hash), site (whole sites) or temporal."),
    ] = "stratified",
    by: Annotated[
        Optional[list[str]], typer.Option("--by", help="Column to stratify by; label without it. May repeat.")
    ] = None,
    site: Annotated[
        Optional[list[str]], typer.Option("--test-site", help="Site that is the test (site). May repeat.")
    ] = None,
    cut: Annotated[
        Optional[list[str]],
        typer.Option("--cut", help="Last day of train, and again of val, YYYY-MM-DD (temporal)."),
    ] = None,
    folds: Annotated[
        Optional[int], typer.Option("--folds", help="Also write folds of the patients outside the test.")
    ] = None,
    fractions: Annotated[
        Optional[str],
        typer.Option("--fractions", help="Shares of train, val and test; the protocol's without it."),
    ] = None,
    seed: Annotated[
        Optional[int], typer.Option("--seed", help="The protocol's seed, or 0, without it.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Forget the splits and folds that the table has.")
    ] = False,
) -> None:
    """Divide the patients into train, val and test; who has a split keeps it."""
    from overread.pipeline.stages.split import split_stage

    split_stage(
        folder,
        method=method,
        by=by or [],
        sites=site or [],
        cuts=cut or [],
        folds=folds,
        fractions=fractions,
        seed=seed,
        anew=anew,
    )


@app.command()
def plan(folder: Folder, budget: Budget = None) -> None:
    """Choose spacing, size, network and epochs from the cohort and the budget; write plan.json."""
    from overread.pipeline.stages import plan_stage

    plan_stage(folder, budget)


@app.command()
def train(folder: Folder) -> None:
    """Train the planned network on the training patients."""
    from overread.pipeline.stages import train_stage

    train_stage(folder)


@app.command()
def package(folder: Folder) -> None:
    """Export, calibrate on the tuning patients and write the portable package."""
    from overread.pipeline.stages import package_stage

    package_stage(folder)


@app.command()
def lock(folder: Folder) -> None:
    """Fix protocol and package by hash, before the sealed test patients are opened."""
    from overread.pipeline.stages import lock_stage

    lock_stage(folder)


@app.command("test")
def test_(folder: Folder) -> None:
    """Open the sealed test patients and write report.json and report.html."""
    from overread.pipeline.stages import test_stage

    test_stage(folder)


@app.command()
def explain(folder: Folder) -> None:
    """Draw where the network looked (Grad-CAM) for test patients."""
    from overread.pipeline.stages import explain_stage

    explain_stage(folder)


@app.command()
def run(folder: Folder, budget: Budget = None) -> None:
    """All stages in order: init, check, plan, train, package, lock, test, explain."""
    from overread.pipeline.stages import run_stages

    run_stages(folder, budget)


@app.command()
def predict(
    package: Annotated[Path, typer.Argument(help="Package folder or .overread file.")],
    images: Annotated[
        list[Path], typer.Argument(help="One file or DICOM folder per channel, in the package's order.")
    ],
    mask: Annotated[
        Optional[Path], typer.Option("--mask", help="Write the segmentation here (.nii.gz or .png).")
    ] = None,
) -> None:
    """Answer one image with a package and print what was found."""
    from overread.pipeline.stages.predict import answer

    answer(package, images, mask)


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
    from overread.clinic.send import send_command

    send_command(paths, to, calling)


@app.command()
def echo(
    to: Annotated[str, typer.Option("--to", help="Node as AET@host:port.")],
    calling: Annotated[str, typer.Option("--from", help="Our application entity title.")] = "OVERREAD",
) -> None:
    """Ask a DICOM node whether it answers (C-ECHO)."""
    from overread.clinic.send import echo_command

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


@app.command("deidentify")
def deidentify_(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, folders or zips.")],
    out: Out,
    key: Annotated[Path, typer.Option("--key", help="Key file; made where there is none. Keep it secret.")],
    option: Annotated[
        Optional[list[str]],
        typer.Option("--option", help="Option of PS3.15 annex E by name; may be given several times."),
    ] = None,
    regions: Annotated[
        Optional[Path], typer.Option("--regions", help="YAML file of burned-in regions to blank.")
    ] = None,
    map_file: Annotated[
        Optional[Path], typer.Option("--map", help="Write what became of whom here; keep it apart.")
    ] = None,
    passphrase_file: Annotated[
        Optional[Path],
        typer.Option("--map-passphrase-file", help="Encrypt the map with this file's first line."),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--map-passphrase", help="Encrypt the map; ask for the passphrase.")
    ] = False,
    allow_burned_in: Annotated[
        bool, typer.Option("--allow-burned-in", help="Let pass files that declare burned-in text.")
    ] = False,
) -> None:
    """De-identify DICOM by the Basic Profile of PS3.15 annex E and its options; moved dates, new UIDs."""
    from overread.deidentify.command import deidentify_command

    deidentify_command(
        paths, out, key, option or [], regions, map_file, passphrase_file, ask, allow_burned_in
    )


@app.command()
def reveal(
    map_file: Annotated[Path, typer.Argument(metavar="MAP", help="Map that `overread deidentify` wrote.")],
    find: Annotated[Optional[str], typer.Option("--find", help="Only what belongs to this value.")] = None,
    passphrase_file: Annotated[
        Optional[Path], typer.Option("--passphrase-file", help="Its first line opens an encrypted map.")
    ] = None,
) -> None:
    """Say who is who, from the map of a de-identification."""
    from overread.deidentify.command import reveal_command

    reveal_command(map_file, find, passphrase_file)


@imports.command("medmnist")
def import_medmnist(file: Annotated[Path, typer.Argument(metavar="FILE.npz")], out: Out) -> None:
    """From a MedMNIST .npz file, keeping its official splits."""
    from overread.cohort.adapters.medmnist import import_medmnist as make

    make(file, out)


@imports.command("nifti")
def import_nifti(
    images: Annotated[Path, typer.Argument(help="Folder of NIfTI images (MSD layout: imagesTr).")],
    labels: Annotated[Path, typer.Argument(help="Folder of NIfTI label maps (MSD layout: labelsTr).")],
    out: Out,
) -> None:
    """From a folder of NIfTI images and one of label maps with the same names (Medical Segmentation Decathlon)."""
    from overread.cohort.adapters.nifti import import_nifti as make

    make(images, labels, out)


@imports.command("pairs")
def import_pairs(
    images: Annotated[Path, typer.Argument(help="Folder of 2D images (PNG, JPEG, TIFF).")],
    labels: Annotated[Path, typer.Argument(help="Folder of label images with the same names.")],
    out: Out,
    foreground: Annotated[
        Optional[str],
        typer.Option(
            "--foreground", help="Every non-zero label is this one class (instance masks become semantic)."
        ),
    ] = None,
) -> None:
    """From a folder of 2D images and one of label images with the same names."""
    from overread.cohort.adapters.pairs import import_pairs as make

    make(images, labels, out, foreground)


@imports.command("virtual")
def import_virtual(
    out: Out,
    patients: Annotated[int, typer.Option("--patients", min=3, help="How many virtual patients.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed: the same seed gives the same patients.")] = 0,
) -> None:
    """Make virtual patients: brain MR with white-matter lesions of known extent."""
    from overread.cohort.virtual.cohort import make_virtual_cohort

    make_virtual_cohort(out, patients=patients, seed=seed)


def _import_command(name: str, adapter: Adapter) -> None:
    """Add the command `overread import NAME FOLDER --out DIR` with the adapter's own options."""

    def make(folder: Path, out: Path, **options: Optional[str]) -> None:
        run_adapter(name, folder, out, **options)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            "folder", kind, annotation=Annotated[Path, typer.Argument(help="The data set as published.")]
        ),
        inspect.Parameter("out", kind, annotation=Out),
    ]
    for option, text in adapter.options.items():
        hint = Annotated[Optional[str], typer.Option(f"--{option}", help=text)]
        parameters.append(inspect.Parameter(option, kind, default=None, annotation=hint))
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__annotations__ = {p.name: p.annotation for p in parameters}
    imports.command(name, help=adapter.help)(make)


for _name, _adapter in ADAPTERS.items():
    _import_command(_name, _adapter)


@ledger.command("verify")
def ledger_verify(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
) -> None:
    """Recompute the chain of hashes; name the first row that was altered, removed or reordered."""
    from overread.ledger.commands import verify_command

    verify_command(where)


@ledger.command("show")
def ledger_show(
    where: Annotated[str, typer.Argument(help="A protocol folder, a ledger file or a database URL.")],
    json_lines: Annotated[
        bool, typer.Option("--json", help="Whole events, one JSON object per line.")
    ] = False,
) -> None:
    """List the events, oldest first, one line each."""
    from overread.ledger.commands import show_command

    show_command(where, json_lines)


def main() -> None:
    """Entry point: one clear line for what a person can mend, exit code 2 for bad input."""
    try:
        app()
    except OverreadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "monai", "lightning_fabric", "onnx"):
            raise
        print(
            f"error: this command trains or opens a trained network and needs {error.name}; "
            "install overread with its extra: pip install '.[train]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except OSError as error:
        # A full disk, a missing right, a file where a folder should be: nothing a traceback would explain better.
        print(f"error: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
