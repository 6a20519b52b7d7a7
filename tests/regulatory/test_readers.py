"""Reader studies from a table: the same numbers as the statistics give, whatever the order of the rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tests.regulatory.made_up import made_up_run

from overread.errors import InputError
from overread.ledger.ledger import Ledger
from overread.regulatory.readers.study import analyses, read_study, readers_command
from overread.stats.readers import obuchowski_rockette


def _table(path: Path, *, seed: int = 1, lost: int = 0) -> tuple[Path, np.ndarray, np.ndarray]:
    """Four readers, 40 cases, with and without an aid; rows in any order."""
    generator = np.random.default_rng(seed)
    truth = np.repeat([0, 1], 20)
    case = generator.normal(size=40)
    rating = np.stack(
        [truth * (1.0 + 0.6 * aid) + case + 0.5 * generator.normal(size=(4, 40)) for aid in (0, 1)]
    )
    rows = [
        f"c{k},r{j},{('alone', 'aided')[i]},{rating[i, j, k]:.6f},{truth[k]}"
        for i in range(2)
        for j in range(4)
        for k in range(40)
    ]
    random.Random(seed).shuffle(rows)
    path.write_text("\n".join(["case,reader,treatment,rating,truth", *rows[lost:]]) + "\n")
    return path, np.round(rating, 6), truth


def test_a_table_gives_what_the_array_gives(tmp_path: Path) -> None:
    path, rating, truth = _table(tmp_path / "readings.csv")
    study = read_study(path)
    assert study.fully_crossed
    ((_, found),) = analyses(study, None)
    expected = obuchowski_rockette(rating, truth)
    assert found.rrrc is not None and expected.rrrc is not None
    assert found.rrrc.p_value == pytest.approx(expected.rrrc.p_value)
    order = [found.treatments.index(t) for t in ("alone", "aided")]
    np.testing.assert_allclose(found.means[order], expected.means)


def test_the_result_is_printed_written_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _, _ = _table(tmp_path / "readings.csv")
    folder = made_up_run(tmp_path / "run")
    readers_command(path, threshold=0.5, out=tmp_path / "r.json", folder=folder)
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    measures = {r["measure"] for r in rows}
    assert measures == {"Area under the ROC curve", "Sensitivity", "Specificity"}
    assert {r["model"] for r in rows} == {"random readers, random cases", "fixed readers, random cases"}
    assert all(r["low"] <= r["estimate"] <= r["high"] for r in rows)
    (event,) = Ledger.open(folder / "ledger.db").events("readers.analysed")
    assert event.data["readers"] == 4
    assert "4 readers, 40 cases, 2 treatments" in capsys.readouterr().out


def test_readings_that_were_not_made_are_left_out(tmp_path: Path) -> None:
    path, _, _ = _table(tmp_path / "readings.csv", lost=20)
    study = read_study(path)
    assert not study.fully_crossed
    assert int(study.read.sum()) == 300


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("case,reader,rating,truth\nc1,r1,1,0\n", "no column 'treatment'"),
        ("case,reader,treatment,rating,truth\nc1,r1,a,high,0\n", "line 2: rating is 'high'"),
        ("case,reader,treatment,rating,truth\nc1,r1,a,1,0\nc1,r1,b,1,1\nc2,r1,a,1,1\n", "c1"),
    ],
)
def test_a_faulty_table_is_refused_by_place(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=fault):
        read_study(path)
