"""Masks find their pictures however the two are named, and a guess is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.cohort.adapters.partners import partners
from overread.errors import InputError


def _files(*names: str) -> dict[str, Path]:
    return {name: Path("folder") / f"{name}.png" for name in names}


def _elsewhere(*names: str) -> dict[str, Path]:
    return {name: Path("masks") / f"{name}.png" for name in names}


@pytest.mark.parametrize(
    ("images", "masks", "pattern", "first"),
    [
        (("a1", "a2"), ("a1", "a2"), "{name}", "a1"),
        (
            ("Image_01L", "Image_01R"),
            ("Image_01L_1stHO", "Image_01R_1stHO"),
            "{name}_1stHO",
            "Image_01L_1stHO",
        ),
        (("1", "10", "2"), ("1_mask", "10_mask", "2_mask"), "{name}_mask", "1_mask"),
        (("1", "10", "11"), ("mask_1", "mask_10", "mask_11"), "mask_{name}", "mask_1"),
        (("a", "b"), ("seg-a.lesion", "seg-b.lesion"), "seg-{name}.lesion", "seg-a.lesion"),
        (("img_1", "img_2"), ("mask_1", "mask_2"), "", "mask_1"),
        (("1_image", "2_image"), ("1_label", "2_label"), "", "1_label"),
    ],
)
def test_how_masks_are_named(
    images: tuple[str, ...], masks: tuple[str, ...], pattern: str, first: str
) -> None:
    found = partners(_files(*images), _elsewhere(*masks))
    assert found.pattern == pattern and list(found.pairs) == sorted(images)
    assert found.pairs[images[0]][1].stem == Path(f"{first}.png").stem
    assert bool(found.said) == (pattern != "{name}")


def test_two_masks_of_every_picture() -> None:
    masks = _files(*(f"{n}_{k}HO" for n in ("x1", "x2") for k in ("1st", "2nd")))
    found = partners(_files("x1", "x2"), masks)
    assert found.pattern == "{name}_1stHO" and "{name}_2ndHO would do, too" in found.said
    second = partners(_files("x1", "x2"), masks, "{name}_2ndHO.png")
    assert second.pairs["x1"][1].stem == "x1_2ndHO" and not second.said


def test_both_in_one_folder() -> None:
    """As HC18 is published: 000_HC.png beside 000_HC_Annotation.png, 010_2HC.png beside 010_2HC_Annotation.png."""
    names = ("000_HC", "010_HC", "010_2HC")
    both = _files(*names, *(f"{n}_Annotation" for n in names))
    for pattern in (None, "{name}_Annotation"):
        found = partners(both, both, pattern)
        assert {k: m.stem for k, (_, m) in found.pairs.items()} == {n: f"{n}_Annotation" for n in names}


def test_what_cannot_be_paired_is_named() -> None:
    with pytest.raises(
        InputError, match=r"b\.png: has no partner named 'b' .*--mask-pattern '\{name\}_mask'"
    ):
        partners(_files("a", "b"), _elsewhere("a", "c"))
    with pytest.raises(InputError, match=r"b\.png: has no mask named 'b_m' .*correct --mask-pattern"):
        partners(_files("a", "b"), _files("a_m", "c_m"), "{name}_m")
    with pytest.raises(InputError, match=r"expected \{name\} once"):
        partners(_files("a"), _files("a"), "mask")
    with pytest.raises(InputError, match=r"c\.png: has no partner named 'c'"):
        partners(_files("a", "b"), _elsewhere("a", "b", "c"))
