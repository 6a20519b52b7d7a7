"""augment: ranges as a table, examples as a sheet, every parameter to be replayed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.learn.toys import SEGMENTATION, plan

from overread.errors import InputError
from overread.learn.augment.change import Change, draw
from overread.learn.plan import Augment, Mix
from overread.pipeline.protocol_file import write_protocol
from overread.pipeline.stages.augment import augment_stage

SPEC = Augment(rotate_deg=15, elastic=0.05, flip=[1], grey_values={"speckle": 0.2, "gamma": 0.3})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = ["case,patient,image,mask,split"]
    for i, split in enumerate(["train", "train", "val", "test"]):
        mask = np.zeros((24, 20), np.uint8)
        mask[6:14, 5:12] = 1
        Pillow.fromarray((mask * 120 + rng.integers(0, 90, mask.shape)).astype(np.uint8)).save(
            tmp_path / f"{i}.png"
        )
        Pillow.fromarray(mask).save(tmp_path / f"{i}_mask.png")
        rows.append(f"c{i},p{i},{i}.png,{i}_mask.png,{split}")
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    labels = ["background", "square"]
    write_protocol(
        tmp_path,
        {
            "name": "toy",
            "task": "segmentation",
            "dimensions": 2,
            "labels": labels,
            "channels": [{"name": "image"}],
        },
    )
    options = SEGMENTATION | {"augment": SPEC, "mix": Mix(cutmix=1)}
    (tmp_path / "plan.json").write_text(json.dumps(plan(**options).model_dump(mode="json")))
    return tmp_path


def test_the_sheet_shows_every_part_and_records_its_parameters(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    augment_stage(folder, show=True, cases=2, draws=2)
    said = capsys.readouterr().out
    assert "speckle" in said and "cutmix" in said and "augment.html" in "".join(said.split())
    content = json.loads((folder / "augment.json").read_text())
    assert list(content) == ["c0", "c1"]
    titles = [tile["title"] for tile in content["c0"]]
    assert titles == [
        "as it is", "together 1", "together 2", "rotate deg", "elastic", "flip", "speckle", "gamma",
    ]  # fmt: skip
    assert Change.from_dict(content["c0"][1]["parameters"]) == draw(SPEC, 2, seed=3, epoch=0, index=0)
    with Pillow.open(folder / "augment.png") as sheet:
        assert sheet.size[0] > 6 * 220 and sheet.size[1] > 4 * 220 > sheet.size[0] - 6 * 220
    page = (folder / "augment.html").read_text()
    assert page.count("<figure>") == 16 and "turned by" in page and "mirrored" in page


def test_without_show_nothing_is_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    augment_stage(folder)
    assert "rotate_deg" in capsys.readouterr().out and not (folder / "augment.png").exists()
    (folder / "plan.json").unlink()
    with pytest.raises(InputError, match=r"plan\.json: no such file; run"):
        augment_stage(folder)
