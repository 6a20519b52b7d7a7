"""The workshop's door, for the imaging data scientist: from a cohort to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import Budget, Ensemble, Epochs, Exact, Folder, Seeds, app


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
def plan(folder: Folder, budget: Budget = None, epochs: Epochs = None, exact: Exact = False) -> None:
    """Choose spacing, size, network and epochs from the cohort and the budget; write plan.json."""
    from overread.pipeline.stages import plan_stage

    plan_stage(folder, budget, epochs=epochs, exact=exact)


@app.command()
def train(
    folder: Folder,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of a training that did not end.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Drop a training that did not end.")] = False,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Do the planned epochs, whatever the clock says: the run can repeat."),
    ] = False,
    seeds: Seeds = 1,
) -> None:
    """Train the planned network on the training patients; also under torchrun, by several processes."""
    from overread.pipeline.stages import train_stage

    train_stage(folder, resume=resume, anew=anew, exact=exact, seeds=seeds)


@app.command()
def package(
    folder: Folder,
    draws: Annotated[
        Optional[str],
        typer.Option(
            "--draws", help="Average several answers of the last layer: dropout, laplace or heads; or none."
        ),
    ] = None,
    together: Annotated[
        Optional[str],
        typer.Option(
            "--together",
            help="How the networks of several seeds answer together: average, weighted or stacked; else tuning "
            "patients decide.",
        ),
    ] = None,
    ensemble: Ensemble = True,
) -> None:
    """Export, calibrate on the tuning patients and write the portable package."""
    from overread.pipeline.stages import package_stage

    package_stage(folder, draws=draws, together=together, ensemble=ensemble)


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
def run(
    folder: Folder,
    budget: Budget = None,
    epochs: Epochs = None,
    exact: Exact = False,
    seeds: Seeds = 1,
    ensemble: Ensemble = True,
) -> None:
    """All stages in order: init, check, plan, train, package, lock, test, explain."""
    from overread.pipeline.stages import run_stages

    run_stages(folder, budget, epochs=epochs, exact=exact, seeds=seeds, ensemble=ensemble)


@app.command()
def predict(
    package: Annotated[Path, typer.Argument(help="Package folder or .overread file.")],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="One file or DICOM folder per channel, in the package's order; or many images: files for a package of "
            "one channel, a folder of them, or a folder with cohort.csv."
        ),
    ],
    mask: Annotated[
        Optional[Path], typer.Option("--mask", help="Write the segmentation here (.nii.gz or .png).")
    ] = None,
    json_file: Annotated[
        Optional[Path], typer.Option("--json", help="Write the answer here as JSON, without its arrays.")
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", help="Folder for answers.csv and each image's JSON and segmentation."),
    ] = None,
) -> None:
    """Answer one image or many with a package and print what was found."""
    from overread.pipeline.stages.predict import predict_command

    predict_command(package, images, mask=mask, json_file=json_file, out=out)


@app.command()
def cache(
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove prepared cases that no training uses now.")
    ] = False,
    keep: Annotated[
        Optional[str],
        typer.Option("--keep", help="With --prune: leave so much, such as 20G, of what was used last."),
    ] = None,
) -> None:
    """Say where prepared cases are kept for the next training, and how much; remove them."""
    from overread.pipeline.cache import cache_command

    cache_command(prune=prune, keep=keep)
