"""The workshop's door, for the imaging data scientist: from a cohort to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import Budget, Ensemble, Epochs, Exact, Folder, Folds, PassphraseFile, Seeds, Sign, app


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
def init(
    folder: Folder,
    guided: Annotated[
        bool, typer.Option("--guided", help="Ask what neither the table nor the images tell.")
    ] = False,
) -> None:
    """Write a protocol.yaml that fits DIR/cohort.csv, to be read and edited."""
    from overread.pipeline.stages import init_stage

    def ask(question: str, default: str) -> str:
        return str(typer.prompt(question, default=default, show_default=bool(default)))

    init_stage(folder, ask=ask if guided else None)


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
def plan(
    folder: Annotated[Optional[Path], typer.Argument(metavar="DIR", help="Folder of the protocol.")] = None,
    budget: Budget = None,
    epochs: Epochs = None,
    exact: Exact = False,
    compare: Annotated[
        Optional[tuple[Path, Path]],
        typer.Option(
            "--compare", help="Say what differs between two plans (files or folders); writes nothing."
        ),
    ] = None,
) -> None:
    """Choose spacing, size, network and epochs from the cohort and the budget; write plan.json."""
    if compare is not None:
        from overread.pipeline.plan_differences import plan_at, told

        typer.echo("\n".join(told(*(plan_at(path) for path in compare))))
        return
    if folder is None:
        raise typer.BadParameter(
            "missing; the protocol's folder, or --compare and two plans", param_hint="DIR"
        )
    from overread.pipeline.stages import plan_stage

    plan_stage(folder, budget, epochs=epochs, exact=exact)


@app.command()
def networks(
    dims: Annotated[int, typer.Option("--dims", help="Axes of the images: 2 or 3.")] = 2,
    side: Annotated[
        Optional[int], typer.Option("--side", help="Voxels per axis; 224 in 2D, 96 in 3D without it.")
    ] = None,
    channels: Annotated[int, typer.Option("--channels", help="Channels of the images.")] = 1,
) -> None:
    """List the networks: parameters, operations, memory, receptive field, licence and source."""
    from overread.nets.inspection import table
    from overread.nets.show import networks_lines

    typer.echo(
        "\n".join(networks_lines(table(dims, channels=channels, size=[side] * dims if side else None)))
    )


@app.command()
def inspect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a network, see overread networks.")],
    size: Annotated[
        Optional[str], typer.Option("--size", help="Voxels per axis, such as 64x64x32; without it the usual.")
    ] = None,
    channels: Annotated[int, typer.Option("--channels", help="Channels of the images.")] = 1,
    outputs: Annotated[int, typer.Option("--outputs", help="Numbers that it gives.")] = 2,
    quick: Annotated[bool, typer.Option("--quick", help="Leave the effective receptive field out.")] = False,
) -> None:
    """Show a network layer by layer, in 2D, 2.5D and 3D: kernels, maps, receptive field, operations, memory."""
    from overread import nets
    from overread.nets.named import size_of
    from overread.nets.show import inspect_lines

    voxels = size_of(size) if size else None
    forms = nets.inspect(name, channels=channels, outputs=outputs, size=voxels, effective=not quick)
    typer.echo("\n".join(inspect_lines(forms)))


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
    folds: Folds = None,
) -> None:
    """Train the planned network on the training patients; also under torchrun, by several processes."""
    from overread.pipeline.stages import train_stage

    train_stage(folder, resume=resume, anew=anew, exact=exact, seeds=seeds, folds=folds)


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
def join(
    packages: Annotated[list[Path], typer.Argument(help="Two or more packages of the same task and labels.")],
    out: Annotated[Path, typer.Option("--out", help="The package to write (.overread).")],
    protocol: Annotated[
        Optional[Path],
        typer.Option(
            "--protocol", help="Folder whose tuning patients calibrate it; without it nothing does."
        ),
    ] = None,
) -> None:
    """Make one package of several: their networks answer together, each by its own preprocessing."""
    from overread.pipeline.stages.join import join_stage

    join_stage(packages, out, folder=protocol)


@app.command()
def seal(
    folder: Folder,
    holders: Annotated[
        list[str], typer.Option("--for", help="Who can open it: a name or key of the keyring. May repeat.")
    ],
) -> None:
    """Encrypt the truth of the test cases and take it out of DIR, until the test opens it."""
    from overread.pipeline.stages import seal_stage

    seal_stage(folder, holders)


@app.command()
def lock(
    folder: Folder,
    sign: Sign = None,
    passphrase_file: PassphraseFile = None,
    package: Annotated[
        Optional[Path],
        typer.Option(
            "--package", help="A package made elsewhere (.overread), to be tested on DIR's patients."
        ),
    ] = None,
) -> None:
    """Fix protocol, package and code by hash, before the sealed test patients are opened."""
    from overread.pipeline.stages import lock_stage

    lock_stage(folder, sign=sign, passphrase_file=passphrase_file, elsewhere=package)


@app.command("test")
def test_(
    folder: Folder,
    who: Annotated[
        Optional[str],
        typer.Option("--as", help="Who opens the seal, and signs it: a name or key of the keyring."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open the sealed test patients and write report.json and report.html."""
    from overread.pipeline.stages import test_stage

    test_stage(folder, who=who, passphrase_file=passphrase_file)


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
    folds: Folds = None,
    ensemble: Ensemble = True,
    seal: Annotated[
        Optional[list[str]],
        typer.Option("--seal", help="Seal the test for this person, who opens it again. May repeat."),
    ] = None,
    sign: Sign = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """All stages in order: init, check, plan, train, package, lock, test, explain."""
    from overread.pipeline.stages import run_stages

    run_stages(
        folder,
        budget,
        epochs=epochs,
        exact=exact,
        seeds=seeds,
        folds=folds,
        ensemble=ensemble,
        seal=seal or [],
        sign=sign,
        passphrase_file=passphrase_file,
    )


@app.command()
def augment(
    folder: Folder,
    show: Annotated[
        bool, typer.Option("--show", help="Draw a sheet of examples: augment.html, .png and .json.")
    ] = False,
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many training cases to show.")] = 2,
    draws: Annotated[
        int, typer.Option("--draws", min=0, help="How many examples of all changes together.")
    ] = 5,
) -> None:
    """Say what training will do to images, by plan.json, and show it on the cohort's own."""
    from overread.pipeline.stages.augment import augment_stage

    augment_stage(folder, show=show, cases=cases, draws=draws)


@app.command()
def tune(
    folder: Folder,
    trials: Annotated[
        int, typer.Option("--trials", help="Trainings that end, those of other processes included.")
    ] = 20,
    epochs: Epochs = None,
    storage: Annotated[
        Optional[str],
        typer.Option(
            "--storage",
            help="Address that several processes or hosts share (sqlite:///FILE or postgresql://...); DIR/tune.db "
            "without it.",
        ),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the best values into plan.json.")] = False,
) -> None:
    """Search learning rate, weight decay, augmentation and dropout on tuning patients; bad trials end early."""
    from overread.pipeline.stages.tune import tune_stage

    tune_stage(folder, trials=trials, epochs=epochs, storage=storage, apply=apply)


@app.command("learning-curve")
def learning_curve(
    folder: Folder,
    points: Annotated[int, typer.Option("--points", help="Sizes of the training part.")] = 5,
    repeats: Annotated[int, typer.Option("--repeats", help="Trainings of each size.")] = 3,
    epochs: Epochs = None,
) -> None:
    """Train on parts of the training patients: how much would more data help?"""
    from overread.pipeline.stages.learning_curve import learning_curve_stage

    learning_curve_stage(folder, points=points, repeats=repeats, epochs=epochs)


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
    memory: Annotated[
        Optional[str],
        typer.Option("--memory", help="Refuse, before any work, images that would take more, such as 4GiB."),
    ] = None,
) -> None:
    """Answer one image or many with a package and print what was found."""
    from overread.pipeline.stages.predict import predict_command

    predict_command(package, images, mask=mask, json_file=json_file, out=out, memory=memory)


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
