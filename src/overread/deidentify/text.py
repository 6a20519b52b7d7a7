"""Free text reduced to the words of imaging: whatever is not in the vocabulary may be a name and goes."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import cast

from overread.deidentify.wordlist import words

Concepts = dict[str, dict[str, dict[str, tuple[str, list[int]]]]]
_TOKEN = re.compile(r"[^\W_]+")
# Begun only where a row of digits begins, and never given back: the time grows with the text, not with its square.
_NUMBERS = re.compile(r"(?<!\d)\d++(?:[\W_]++\d++){2,}")
_NUMBER = re.compile(r"\d{1,3}")
_MEASURE = re.compile(r"\d{1,3}(mm|cm|mg|ml|kv|kvp|ms|s|sec|min|hz|d|t|st|nd|rd|th|x\d{1,3})")
_STANDARD_WORDS = 3
"""A word of more letters counts when the standard writes it in lower case, which it does with no name."""

USUAL = words(
    """
    t1 t2 t1w t2w pd pdw flair stir dwi dti adc swi tof mra mrv mrcp mip minip mpr vr bold asl perf fmri
    epi tse fse se gre ge ir tirm space cube vibe lava mprage spgr bravo flash haste fiesta trufi dixon
    fs fatsat sat ax axial tra trans transverse sag sagittal cor coronal obl oblique ap pa lat lateral ll
    rl rcc lcc rmlo lmlo cc mlo ml lm r l rt lt left right bilateral unilateral pre post plain native
    contrast enhanced unenhanced with without w wo c gd gad iv oral delayed arterial venous portal late
    early phase dynamic ct mr mri pet nm us cr dx mg xa rf sc sr seg spect cta ctpa hrct cect ncct
    lowdose ldct cbct chest thorax abdomen pelvis head neck brain skull spine cervical thoracic lumbar
    sacral cspine tspine lspine hand foot knee hip shoulder elbow wrist ankle leg arm breast heart
    cardiac liver kidney spleen pancreas lung lungs prostate uterus bladder aorta coronary carotid renal
    bone soft tissue sinus orbit scout localizer localiser topogram survey scanogram surview tracking
    monitoring smartprep test series scan recon reformat axials thin thick slice slices kernel std
    standard sharp smooth edge window routine protocol supine prone erect upright decubitus inspiration
    expiration inspiratory expiratory breath hold free breathing screening follow up followup baseline
    comparison emergency trauma stroke tumor tumour mass nodule lesion fracture effusion pneumonia edema
    oedema metastasis metastases normal study exam examination image images segmentation annotation mask
    label overlay roi background foreground 3t 7t 2d 3d 4d b0 b50 b100 b500 b800 b1000 and or of the in
    on for to at by from headneck wholebody text num code container composite waveform pname uidref
    contains separate continuous complete partial verified unverified original primary secondary derived
    mixed color monochrome1 monochrome2 palette iso gbk gb18030
    slide corner nasion xiphoid acromion sternal notch iliac crest orbitomeatal
    """
)
"""Abbreviations and usual words of descriptions, and defined terms that could also be a name (TEXT, CODE)."""


@cache
def vocabulary() -> frozenset[str]:
    """Words in lower case: `USUAL`, and those that the concept names of PS3.16 write in lower case."""
    # The codes and context groups of PS3.16 as pydicom carries them; importing them takes half a second.
    from pydicom.sr._concepts_dict import concepts as untyped

    concepts = cast(Concepts, untyped)

    found: set[str] = set()
    for scheme in concepts.values():
        for codes in scheme.values():
            for meaning, _ in codes.values():
                found.update(w for w in _TOKEN.findall(meaning) if len(w) > _STANDARD_WORDS and w.islower())
    return USUAL | {w for w in found if not any(c.isdigit() for c in w)}


@cache
def is_known(scheme: str, value: str, meaning: str) -> bool:
    """Whether PS3.16 itself gives the code ``value`` of ``scheme`` this meaning."""
    return (value, meaning.casefold()) in _meanings(scheme)


@cache
def _meanings(scheme: str) -> frozenset[tuple[str, str]]:
    from pydicom.sr._concepts_dict import concepts as untyped

    concepts = cast(Concepts, untyped)

    found = concepts.get({"SRT": "SCT", "SNM3": "SCT"}.get(scheme, scheme), {})
    return frozenset((v, m[0].casefold()) for codes in found.values() for v, m in codes.items())


def clean(text: str, banned: Collection[str] = ()) -> str:
    """``text`` reduced to words of the `vocabulary` and numbers of up to three digits, with single spaces.

    Three or more numbers in a row (a date, a telephone number) go. Text of which everything may stay is returned as
    it is. ``banned`` are words in lower case that go whatever they mean: the data set's own identifiers.
    """
    known = vocabulary()
    shorter = _NUMBERS.sub(" ", text)
    tokens = _TOKEN.findall(shorter)
    kept = [
        token
        for token in tokens
        if (low := token.casefold()) not in banned
        and (low in known or _NUMBER.fullmatch(low) or _MEASURE.fullmatch(low))
    ]
    return text.strip() if shorter == text and kept == tokens else " ".join(kept)
