"""Hippocampus (MSD Task04): this package and nnU-Net, the same split, the same minutes, both judged by one function.

    python -m benchmarks.nnunet_hippocampus --nnunet VENV/bin/python --minutes 15 --seeds 0 1 2

VENV has nnunetv2 (2.8) and torch in it. The minutes are of the wall clock and hold everything from the images to the
test patients' label maps: of nnU-Net its fingerprint, plan and preprocessing, training (all training patients, its own
trainer, loss, augmentation and batch, the learning rate decayed over the time that there is) and answers with mirrored
views; of this package `overread run`. The data are read from $OVERREAD_DATA/msd_hippocampus_3d, split by patient once.

Prints of every seed Dice, HD95 (mm; a miss counts as the image's diagonal) and the normalised surface distance at 1 mm
of each label, and of all seeds together the paired difference with its 95% interval by patient.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "Dataset004_Hippocampus"
LABELS = ("anterior", "posterior")
TOLERANCE_MM = 1.0
MEASURES = ("Dice", "HD95", "NSD")
# nnU-Net is written with this in hand for what comes after the answers: leaving, writing.
SPARE_S = 5.0


def main() -> None:
    """Both, seed by seed; the table at the end, the values of every case in OUT/figures.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nnunet", type=Path, help="the Python of an environment with nnunetv2; without: ours only"
    )
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("/tmp/nnunet_hippocampus"))
    parser.add_argument("--worker", nargs=3, metavar=("FOLDER", "SECONDS", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        folder, seconds, seed = options.worker
        incumbent(Path(folder), float(seconds), int(seed))
        return
    compare(options.out, options.nnunet, options.minutes, options.seeds)


def compare(out: Path, nnunet: Path | None, minutes: float, seeds: Sequence[int]) -> None:
    """Run both for every seed and print what came of it."""
    from overread.cohort.splits.apply import keep_splits
    from overread.pipeline.stages.init import init_stage
    from overread.pipeline.workspace import Workspace

    cohort = out / "cohort"
    if not (cohort / "protocol.yaml").is_file():
        from overread.cohort.adapters.nifti import import_nifti

        source = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "msd_hippocampus_3d"
        import_nifti(source / "imagesTr", source / "labelsTr", cohort)
        task = json.loads((cohort / "task.json").read_text(encoding="utf-8"))
        task |= {"labels": ["background", *LABELS], "modality": ["MR"], "limits": {"body_part": ["HEAD"]}}
        (cohort / "task.json").write_text(json.dumps(task), encoding="utf-8")
        init_stage(cohort)
        # In the table, or another seed would be another split.
        keep_splits(cohort, {c.patient: c.split for c in Workspace.open(cohort).cohort()})
    test = Workspace.open(cohort).cohort().split("test")
    figures: dict[str, dict[int, list[list[float]]]] = {"overread": {}, "nnU-Net": {}}
    for seed in seeds:
        figures["overread"][seed] = judged(ours(cohort, out / f"ours-{seed}", minutes, seed), test)
        tell("overread", seed, figures["overread"][seed])
        if nnunet:
            raw = laid_out(cohort, out / f"nnunet-{seed}")
            began = time.perf_counter()
            asked = [str(nnunet), __file__, "--worker", str(raw), str(60 * minutes), str(seed)]
            subprocess.run(asked, check=True, env=os.environ | nnunet_folders(raw))
            print(f"nnU-Net, seed {seed}: {(time.perf_counter() - began) / 60:.1f} minutes", flush=True)
            figures["nnU-Net"][seed] = judged(answers(raw, [c.case for c in test]), test)
            tell("nnU-Net", seed, figures["nnU-Net"][seed])
        (out / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
    if nnunet:
        differences(figures, [c.patient for c in test])


def ours(cohort: Path, folder: Path, minutes: float, seed: int) -> Iterator[Any]:
    """`overread run` in a copy of the cohort; the test patients' label maps by its package, which the run has timed."""
    from overread.cohort.load import load_case
    from overread.pipeline.workspace import Workspace
    from overread.runtime.package import Package
    from overread.runtime.predict import predict

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("images", "masks"):
        (folder / name).symlink_to((cohort / name).resolve())
    shutil.copy(cohort / "cohort.csv", folder)
    text = (cohort / "protocol.yaml").read_text(encoding="utf-8")
    (folder / "protocol.yaml").write_text(text.replace("\nseed: 0\n", f"\nseed: {seed}\n"), encoding="utf-8")
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "overread.cli", "run", str(folder), "--budget", f"{60 * minutes:.0f}s"],
        check=False,
    )
    print(f"overread, seed {seed}: {(time.perf_counter() - began) / 60:.1f} minutes", flush=True)
    package = Package.load(next((folder / "package").glob("*.overread")))
    for case in Workspace.open(folder).cohort().split("test"):
        answer = predict(package, load_case(case)).answer
        yield None if answer is None else answer.mask


def laid_out(cohort: Path, folder: Path) -> Path:
    """nnU-Net's folders: the training patients under imagesTr and labelsTr, the test patients under imagesTs."""
    from overread.pipeline.workspace import Workspace

    shutil.rmtree(folder, ignore_errors=True)
    raw = folder / "raw" / NAME
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (raw / name).mkdir(parents=True)
    counts = {"train": 0, "test": 0}
    for case in Workspace.open(cohort).cohort():
        if case.split not in counts or case.mask is None:
            continue
        counts[case.split] += 1
        [image] = case.images.values()
        part = "Tr" if case.split == "train" else "Ts"
        shutil.copy(image, raw / f"images{part}" / f"{case.case}_0000.nii.gz")
        if part == "Tr":
            shutil.copy(case.mask, raw / "labelsTr" / f"{case.case}.nii.gz")
    content = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, **{name: k for k, name in enumerate(LABELS, 1)}},
        "numTraining": counts["train"],
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def nnunet_folders(folder: Path) -> Mapping[str, str]:
    """The environment in which nnU-Net finds its folders; no compilation, which a processor does not gain from."""
    return {
        "nnUNet_raw": str(folder / "raw"),
        "nnUNet_preprocessed": str(folder / "preprocessed"),
        "nnUNet_results": str(folder / "results"),
        "nnUNet_compile": "f",
        "nnUNet_n_proc_DA": "1",
    }


def incumbent(folder: Path, seconds: float, seed: int) -> None:
    """Inside nnU-Net's environment: plan, preprocess, train, answer in ``seconds``; label maps in FOLDER/answers.

    Its trainer's own steps one after the other, without the validation steps and checkpoints of its epochs, which cost
    time and decide nothing here; its polynomial learning rate, over the share of the time that has passed.
    """
    began = time.perf_counter()
    import numpy as np
    import torch
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    np.random.seed(seed)
    torch.manual_seed(seed)
    extract_fingerprints([4], num_processes=2, check_dataset_integrity=False)
    plan_experiments([4])
    preprocess([4], configurations=("3d_fullres",), num_processes=(2,))
    made = folder / "preprocessed" / NAME
    plans = json.loads((made / "nnUNetPlans.json").read_text(encoding="utf-8"))
    plans["continue_training"] = False
    dataset = json.loads((made / "dataset.json").read_text(encoding="utf-8"))
    trainer = nnUNetTrainer(plans, "3d_fullres", "all", dataset, device=torch.device("cpu"))
    trainer.on_train_start()
    (folder / "answers").mkdir(exist_ok=True)
    tests = sorted((folder / "raw" / NAME / "imagesTs").glob("*.nii.gz"))

    def answer(images: Sequence[Path]) -> None:
        trainer.set_deep_supervision_enabled(False)
        trainer.network.eval()
        predictor = nnUNetPredictor(
            use_mirroring=True,
            perform_everything_on_device=False,
            device=torch.device("cpu"),
            allow_tqdm=False,
        )
        predictor.manual_initialization(
            trainer.network,
            trainer.plans_manager,
            trainer.configuration_manager,
            [trainer.network.state_dict()],
            trainer.dataset_json,
            trainer.__class__.__name__,
            trainer.inference_allowed_mirroring_axes,
        )
        names = [[str(path)] for path in images]
        predictor.predict_from_files_sequential(names, str(folder / "answers"), overwrite=True)
        trainer.set_deep_supervision_enabled(True)
        trainer.network.train()

    at = time.perf_counter()
    answer(tests[:2])
    each = (time.perf_counter() - at) / 2
    start, until = time.perf_counter(), began + seconds - SPARE_S - each * len(tests)
    steps = 0
    while (now := time.perf_counter()) < until:
        rate = trainer.initial_lr * (1 - (now - start) / (until - start)) ** 0.9
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate
        trainer.train_step(next(trainer.dataloader_train))
        steps += 1
    print(f"nnU-Net: {start - began:.0f} s to prepare, {steps} steps, {each:.2f} s an answer", flush=True)
    answer(tests)
    # Its loaders' processes would wait for ever, and their threads with them.
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    os._exit(0)


def answers(folder: Path, cases: Sequence[str]) -> Iterator[Any]:
    """The label maps that nnU-Net left, as this package reads label files."""
    from overread.cohort.truth.mask import read_labels

    for case in cases:
        yield read_labels(folder / "answers" / f"{case}.nii.gz")[0]


def judged(masks: Iterator[Any], cases: Sequence[Any]) -> list[list[float]]:
    """``(cases, labels x measures)``: Dice, HD95 (mm) and NSD of each label; of a refused case of an empty map."""
    import numpy as np

    from overread.cohort.load import load_case
    from overread.cohort.truth.mask import read_mask
    from overread.stats.segmentation import dice, hausdorff95, nsd

    table = []
    for case, mask in zip(cases, masks, strict=True):
        image = load_case(case)
        truth = read_mask(case, image)
        found = np.zeros_like(truth) if mask is None else np.asarray(mask)
        row: list[float] = []
        for k in range(1, len(LABELS) + 1):
            row.append(dice(found, truth, label=k))
            row.append(hausdorff95(found, truth, label=k, spacing=image.spacing))
            row.append(nsd(found, truth, label=k, spacing=image.spacing, tolerance=TOLERANCE_MM))
        table.append(row)
    return table


def tell(who: str, seed: int, table: list[list[float]]) -> None:
    """One line of means."""
    import numpy as np

    means = iter(np.nanmean(np.array(table), axis=0))
    parts = [f"{label}: " + ", ".join(f"{m} {next(means):.3f}" for m in MEASURES) for label in LABELS]
    print(f"{who:9} seed {seed}  {'; '.join(parts)}  (n = {len(table)})", flush=True)


def differences(figures: Mapping[str, Mapping[int, list[list[float]]]], patients: Sequence[str]) -> None:
    """Ours less theirs, means over seeds, with intervals by patient."""
    import numpy as np

    from overread.stats.intervals.bootstrap import bootstrap_ci

    mean = {who: np.mean([np.array(t) for t in of.values()], axis=0) for who, of in figures.items()}
    apart = mean["overread"] - mean["nnU-Net"]
    names = [f"{label} {m}" for label in LABELS for m in MEASURES]
    for k, name in enumerate(names):
        both = " / ".join(f"{mean[who][:, k].mean():.3f}" for who in ("overread", "nnU-Net"))
        interval = bootstrap_ci(np.mean, apart[:, k], cluster=patients)
        print(
            f"{name:15} overread / nnU-Net {both}, difference {interval.estimate:+.3f} "
            f"({interval.low:+.3f} to {interval.high:+.3f})"
        )


if __name__ == "__main__":
    main()
