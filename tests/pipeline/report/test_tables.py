"""Tables for a person: every declared limit in words that can be read."""

from __future__ import annotations

from overread.pipeline.report.tables import limit_rows
from overread.runtime.manifest_limits import GreyLimits, Likeness, Limits


def test_every_limit_is_told_in_a_line() -> None:
    many = [float(i) for i in range(60)]
    limits = Limits(
        modality=["CT", "MR"],
        body_part=["CHEST"],
        age_years=(18.0, 90.0),
        size=[(20, 40), (30, 60)],
        spacing_mm=[(0.5, 1.0), (0.5, 1.0)],
        slack=1.25,
        color=(0.0, 0.1),
        grey_values=[GreyLimits(percentiles=[1.0], low=[0.0], high=[9.0])],
        likeness=Likeness(
            descriptor="looks-1", centre=many, axes=[many] * 60, references=[many], most=1.5, cases=40
        ),
    )
    rows = dict(limit_rows(limits.model_dump(mode="json")))
    assert len(rows) == len(Limits.model_fields)
    assert all(len(text) < 80 and "{" not in text and "[" not in text for text in rows.values())
    assert rows["Likeness"] == "a distance of at most 1.5 from the images trained with"
    assert (rows["Age, years"], rows["Coloured pixels"]) == ("18 to 90", "0% to 10%")
    assert rows["Size, voxels"] == "20 to 40; 30 to 60"
    assert list(dict(limit_rows(Limits().model_dump(mode="json")))) == ["Not stated"]
