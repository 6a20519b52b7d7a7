"""The table of tasks, and that none of it needs torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tests.runtime.models import manifest, mean_classifier, package_of

from overread import task as facts
from overread.imaging.image import Image
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_files import kind_of
from overread.runtime.manifest import Quantity
from overread.runtime.predict import predict
from overread.runtime.preprocess import Prepared, prepare
from overread.runtime.tasks import TASKS, classification
from overread.runtime.tasks.protocol import RuntimeTask


def test_every_task_has_a_module_and_no_other() -> None:
    assert list(TASKS) == list(facts.TASKS)


OUTPUTS = {
    "classification": {"logits": np.zeros(2, np.float32)},
    "ordinal": {"logits": np.zeros(2, np.float32)},
    "multilabel": {"logits": np.zeros(2, np.float32)},
    "regression": {"logits": np.zeros(2, np.float32)},
    "segmentation": {"probability": np.full((2, 8, 8), 0.5, np.float32)},
    "detection": {
        "heat": np.zeros((2, 4, 4), np.float32),
        "size": np.zeros((2, 4, 4), np.float32),
        "offset": np.zeros((2, 4, 4), np.float32),
    },
}


@pytest.mark.parametrize("name", facts.TASKS)
def test_it_gives_the_answer_that_the_table_of_facts_promises(name: str) -> None:
    module: RuntimeTask = TASKS[name]
    labels = {"labels": ["none", "mild", "severe"]} if facts.TASKS[name].ordered else {}
    if facts.TASKS[name].answer == "value":
        labels = {"labels": ["age"], "quantity": Quantity(unit="a")}
    m = manifest(task=name, positive=None, **labels)
    image = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    prepared: Prepared = prepare(image, m.preprocess)
    answer = module.answer(OUTPUTS[name], prepared, m)
    assert isinstance(answer, Classes | Findings | Value | LabelMap | Objects)
    assert kind_of(answer) == facts.TASKS[name].answer
    assert module.OUTPUTS and isinstance(module.DECODING, dict)


def test_a_task_added_at_run_time_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(facts.TASKS, "grading", facts.Task("label", "classes", ordered=True))
    monkeypatch.setitem(TASKS, "grading", classification)
    found = predict(
        package_of(mean_classifier(2), task="grading"), Image(np.ones((1, 8, 8), np.float32), np.eye(4))
    )
    assert found.task == "grading" and isinstance(found.answer, Classes)


def test_importing_and_answering_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['onnx'] = None\n"
        "import pkgutil, importlib, overread, overread.runtime\n"
        "for m in pkgutil.walk_packages(overread.runtime.__path__, 'overread.runtime.'):\n"
        "    importlib.import_module(m.name)\n"
        "for name in ('Package', 'predict', 'Prediction', 'Classes', 'Findings', 'LabelMap', 'Objects'):\n"
        "    getattr(overread, name)\n"
        "assert not [m for m in sys.modules if m.startswith(('torch.', 'monai', 'lightning'))]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
