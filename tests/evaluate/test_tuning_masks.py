"""What tuning cases decide about label maps, end to end: the Dice of one mask, and who is left to a person."""

from __future__ import annotations

import numpy as np
from tests.evaluate.samples import manifest_of

from overread.cohort.truth.unknown import Partly
from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.refer import masks_decided, referrals
from overread.evaluate.tuning_masks import calibrate_masks
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap
from overread.runtime.doubt import doubted
from overread.runtime.manifest import Uncertainty
from overread.runtime.quality import predicted

LABELS = ["background", "organ", "tumour"]


def _pairs(n: int, seed: int = 0) -> list[MaskPair]:
    """Organs found a little shifted; the farther, the less sure. Every third truth says nothing of tumours."""
    generator = np.random.default_rng(seed)
    out = []
    for i in range(n):
        true, found = np.zeros((2, 48, 48), np.uint8)
        shift = int(generator.integers(0, 12))
        true[10:30, 10:30] = 1
        found[10:30, 10 + shift : 30 + shift] = 1
        truth = Partly.of(true, (2,)) if i % 3 == 0 else true
        agreed = 1 - shift / 30 + float(generator.normal(0, 0.01))
        image = Image(np.zeros((1, 48, 48), np.float32), np.eye(4))
        out.append(MaskPair.of(found, truth, image, {"organ": {"probabilities": agreed}}))
    return out


def test_the_dice_of_a_mask_is_predicted_and_the_poor_ones_are_referred() -> None:
    manifest = manifest_of("segmentation", LABELS)
    found = calibrate_masks(_pairs(60), manifest, None)
    quality = found.uncertainty.quality
    assert set(quality) == {"organ"} and quality["organ"].slope > 1
    assert "it was found in 0 tuning patients" in found.reference["notes"]["tumour"][-1]
    limits, notes = referrals(masks_decided(found.masks, 0.7), risk=0.2, confidence=0.9, cluster=None)
    assert not notes and 0.5 < limits["organ"].threshold < 0.9
    told = Uncertainty(quality=quality, refer={"organ": limits["organ"].model_copy(update={"dice": 0.7})})
    ready = manifest.model_copy(update={"uncertainty": told})
    for agreed, poor in ((0.97, False), (0.63, True)):
        # 100 voxels found and expected, of which so many agree.
        raw = {
            "voxels": np.array([0, 100.0, 0]),
            "expected": np.array([0, 100.0, 0]),
            "agreed": np.array([0, 100 * agreed, 0]),
        }
        answer = doubted(LabelMap(np.zeros((2, 2), np.uint8), quality=predicted(raw, ready)), raw, ready)
        assert isinstance(answer, LabelMap)
        assert (answer.referred == ("organ",)) is poor is answer.refer.startswith("organ: expected Dice")


def test_what_a_truth_does_not_state_takes_no_part() -> None:
    manifest = manifest_of("segmentation", LABELS)
    found = calibrate_masks(_pairs(30), manifest, None)
    assert found.calibration.reasons["tumour"] == "no tuning case has it"
    assert found.calibration.volume_ratios["organ"][0].cases == 30
    nobody = calibrate_masks(_pairs(60)[::3], manifest, None)
    assert nobody.calibration.reasons["tumour"] == "no tuning case states it"
