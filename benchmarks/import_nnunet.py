"""An nnU-Net trained here, imported, and compared with nnU-Net itself: logits, labels and time.

    python -m benchmarks.import_nnunet --nnunet /path/to/venv/bin/python [--cases 8] [--work DIR]

``--nnunet`` is a Python with nnunetv2 installed; it need not be this one. A few hippocampus cases (OVERREAD_DATA) are
planned, preprocessed and trained for some steps by nnU-Net, once with each configuration that it plans; what it answers
for cases left out is held against the imported package: labels on the image's grid, and the summed logits on the
input that nnU-Net itself prepared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

TRAINER = """
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
import torch
class nnUNetTrainerBrief(nnUNetTrainer):
    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cpu")):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 2, %d, 1
    def perform_actual_validation(self, *args, **kwargs):
        pass
"""
TASK = "Dataset901_Hippocampus"
PREDICT = """
import json, sys, numpy as np, torch
from pathlib import Path
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
import time
model, inputs, out, folds = sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(sys.argv[4])
torch.set_num_threads(2)
predictor = nnUNetPredictor(perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False)
predictor.initialize_from_trained_model_folder(model, use_folds=folds, checkpoint_name="checkpoint_final.pth")
files = sorted(Path(inputs).glob("*_0000.nii.gz"))
began = time.perf_counter()
answers = [str(out / f.name[:-12]) for f in files]
predictor.predict_from_files([[str(f)] for f in files], answers, num_processes_preprocessing=1,
                             num_processes_segmentation_export=1)
print("seconds", time.perf_counter() - began)
for f in files:
    pre = DefaultPreprocessor(verbose=False)
    told = predictor.plans_manager, predictor.configuration_manager, predictor.dataset_json
    data, _, props = pre.run_case([str(f)], None, *told)
    data = torch.as_tensor(np.asarray(data))
    logits = predictor.predict_logits_from_preprocessed_data(data).numpy()
    np.savez(out / (f.name[:-12] + ".npz"), data=data.numpy(), logits=logits.astype(np.float32))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nnunet", required=True, help="a Python that has nnunetv2")
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3, help="training steps an epoch, of two")
    parser.add_argument("--configurations", nargs="*", default=["3d_fullres", "2d"])
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--work", type=Path, help="where nnU-Net's folders are kept; made anew without it")
    told = parser.parse_args()
    work = told.work or Path(mkdtemp(prefix="import-nnunet-"))
    held = trained(told, work)
    print(
        f"{'configuration':14} {'case':18} {'logits, largest difference':>28} {'labels alike':>13} {'Dice':>7}"
    )
    for configuration in told.configurations:
        compared(told, work, configuration, held)


def trained(told: argparse.Namespace, work: Path) -> list[Path]:
    """Folders of nnU-Net with trained networks in ``work``; returns the images that were left out."""
    source = Path(os.environ["OVERREAD_DATA"]) / "msd_hippocampus_3d"
    images = sorted((source / "imagesTr").glob("*.nii.gz"))[: told.cases + 2]
    held = images[told.cases :]
    raw = work / "raw" / TASK
    (raw / "imagesTs").mkdir(parents=True, exist_ok=True)
    for image in held:
        shutil.copy(image, raw / "imagesTs" / image.name.replace(".nii.gz", "_0000.nii.gz"))
    if (work / "results").exists():
        return held
    for name in ("imagesTr", "labelsTr"):
        (raw / name).mkdir(exist_ok=True)
    for image in images[: told.cases]:
        shutil.copy(image, raw / "imagesTr" / image.name.replace(".nii.gz", "_0000.nii.gz"))
        shutil.copy(source / "labelsTr" / image.name, raw / "labelsTr" / image.name)
    content = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": told.cases,
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(content))
    trainer = Path(
        _run(told, work, "-c", "import nnunetv2; print(nnunetv2.__path__[0])").strip().splitlines()[-1]
    )
    brief = trainer / "training" / "nnUNetTrainer" / "variants" / "nnUNetTrainerBrief.py"
    brief.write_text(TRAINER % told.steps)
    steps = Path(told.nnunet).parent
    common = ["-d", "901"]
    _run(
        told, work, str(steps / "nnUNetv2_plan_and_preprocess"), *common,
        *["-c", *told.configurations, "-np", *["1"] * len(told.configurations), "-npfp", "1"],
    )  # fmt: skip
    for configuration in told.configurations:
        for fold in range(told.folds):
            _run(
                told, work, str(steps / "nnUNetv2_train"), "901", configuration, str(fold),
                *["-tr", "nnUNetTrainerBrief", "-device", "cpu"],
            )  # fmt: skip
    return held


def compared(told: argparse.Namespace, work: Path, configuration: str, held: list[Path]) -> None:
    """Prints how an imported configuration answers the held cases, beside nnU-Net itself."""
    import overread
    from overread.bridge.import_model import import_model
    from overread.runtime.engine import engines_of
    from overread.runtime.predict import network_of
    from overread.runtime.tasks.dense import dense

    model = work / "results" / TASK / f"nnUNetTrainerBrief__nnUNetPlans__{configuration}"
    out = work / "answers" / configuration
    out.mkdir(parents=True, exist_ok=True)
    folds = list(range(told.folds))
    said = _run(
        told, work, "-c", PREDICT, str(model), str(work / "raw" / TASK / "imagesTs"), str(out), json.dumps(folds)
    )  # fmt: skip
    theirs = float(said.rsplit("seconds", 1)[1].split()[0])
    package = import_model(model, work / f"{configuration}.overread")
    ours = 0.0
    for image in held:
        name = image.name.removesuffix(".nii.gz")
        import nibabel

        reference = np.asarray(nibabel.load(out / f"{name}.nii.gz").dataobj).astype(int)
        began = time.perf_counter()
        answer = overread.predict(package, overread.read(image)).answer
        ours += time.perf_counter() - began
        mask = answer.mask  # type: ignore[union-attr]
        stored = np.load(out / f"{name}.npz")
        # nnU-Net's axes run the other way round, and its own order of axes is undone for the package.
        order = json.loads((model / "plans.json").read_text())["transpose_forward"]
        back = [0, *(1 + order.index(axis) for axis in (2, 1, 0))]
        data = np.ascontiguousarray(stored["data"].transpose(back)).astype(np.float32)
        logits = [
            dense(network_of(engine, package.manifest), data, package.manifest.windows).outputs["logits"]
            for engine in engines_of(package).values()
        ]
        apart = np.abs(np.mean(logits, axis=0) - stored["logits"].transpose(back)).max()
        dice = [
            2 * np.sum((mask == k) & (reference == k)) / max(1, np.sum(mask == k) + np.sum(reference == k))
            for k in (1, 2)
            if (reference == k).any() or (mask == k).any()
        ]
        print(
            f"{configuration:14} {name:18} {apart:28.2e} {np.mean(mask == reference):13.6f} "
            f"{min(dice, default=1.0):7.4f}"
        )
    print(f"{configuration:14} {len(held)} cases: nnU-Net {theirs:.1f} s, the imported package {ours:.1f} s")


def _run(told: argparse.Namespace, work: Path, *command: str) -> str:
    """A step of nnU-Net, with its own folders; what it printed. Raises SystemExit where it fails."""
    # Batches are made in the training's own process; the planner takes the same number for its threads.
    aside = "0" if any(c.endswith("nnUNetv2_train") for c in command) else "1"
    environment = dict(os.environ, nnUNet_compile="0", nnUNet_n_proc_DA=aside, OMP_NUM_THREADS="2")
    for name in ("raw", "preprocessed", "results"):
        environment[f"nnUNet_{name}"] = str(work / name)
    done = subprocess.run([told.nnunet, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
