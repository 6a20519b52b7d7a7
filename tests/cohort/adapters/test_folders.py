"""A folder per class: names, parts, patients, and what is no such folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.cohort.layouts import task_of

from overread.cohort.adapters.folders import import_folders
from overread.cohort.cohort import Cohort
from overread.errors import InputError


def _pictures(folder: Path, count: int, prefix: str = "a") -> None:
    folder.mkdir(parents=True)
    for n in range(count):
        Pillow.fromarray(np.full((4, 5), n, np.uint8)).save(folder / f"{prefix}{n // 2}-{n}.png")


def test_classes_alone_are_dealt(tmp_path: Path) -> None:
    for kind in ("no tumour", "tumour"):
        _pictures(tmp_path / "set" / kind, 20)
    import_folders(tmp_path / "set", tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out", need="label")
    assert Counter(c.label for c in cohort) == {"no tumour": 20, "tumour": 20}
    assert all(
        {c.label for c in cohort.split(s)} == {"no tumour", "tumour"} for s in ("train", "val", "test")
    )
    assert (
        cohort.cases[0].case == "no_tumour_a0-0"
        and "own patient" in task_of(tmp_path / "out")["source"]["note"]
    )


def test_given_parts_stay_and_val_has_every_class(tmp_path: Path) -> None:
    for part, count in (("Training", 24), ("Testing", 6)):
        for kind in "abcd":
            _pictures(tmp_path / "set" / part / kind, count, f"{part}{kind}")
    import_folders(tmp_path / "set", tmp_path / "out", patient=r"^([^-]+)")
    cohort = Cohort.read(tmp_path / "out", need="label")
    assert Counter(c.label for c in cohort.split("test")) == dict.fromkeys("abcd", 6)
    val = Counter(c.label for c in cohort.split("val"))
    assert set(val) == set("abcd") and set(val.values()) <= {2, 4}
    assert len({c.patient for c in cohort}) == 4 * 15


def test_what_is_no_such_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _pictures(tmp_path / "one" / "a", 4)
    with pytest.raises(InputError, match="holds images of 'a' alone"):
        import_folders(tmp_path / "one", out)
    with pytest.raises(InputError, match="holds no folder with images"):
        import_folders(tmp_path / "one" / "a", out)
    _pictures(tmp_path / "one" / "train" / "b", 4)
    with pytest.raises(InputError, match="holds train beside a"):
        import_folders(tmp_path / "one", out)
    _pictures(tmp_path / "lacks" / "train" / "a", 4)
    _pictures(tmp_path / "lacks" / "train" / "b", 4)
    _pictures(tmp_path / "lacks" / "test" / "a", 4)
    with pytest.raises(InputError, match="has no image of b"):
        import_folders(tmp_path / "lacks", out)
    _pictures(tmp_path / "one" / "c", 4)
    for pattern, said in (("^a", "has no group"), ("(", "no regular expression"), ("^(x)", "does not match")):
        with pytest.raises(InputError, match=said):
            import_folders(tmp_path / "lacks" / "train", out, patient=pattern)
    assert not out.exists()
