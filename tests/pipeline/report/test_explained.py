"""Maps of the explain stage stand in the report, once, with their colour bar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.pipeline.report.test_page import classification

from overread.imaging.formats.raster import write_png
from overread.pipeline.report.explained import colour_bar, show_explanations
from overread.pipeline.report.page import write_report


def test_maps_stand_in_the_page_once(tmp_path: Path) -> None:
    picture = tmp_path / "c<1.png"
    write_png(picture, np.zeros((4, 8), np.uint8))
    page = write_report(tmp_path, *classification())
    plain = page.read_text(encoding="utf-8")
    for _ in range(2):
        assert show_explanations(tmp_path, [picture], method="Grad-CAM")
    text = page.read_text(encoding="utf-8")
    assert text.count("What the network weighed") == 1 and "Grad-CAM: left the image" in text
    assert text.count("Image and map of c&lt;1") == 1 and colour_bar() in text
    assert show_explanations(tmp_path, [], method="") and page.read_text(encoding="utf-8") == plain


def test_without_a_report_nothing_is_shown(tmp_path: Path) -> None:
    assert not show_explanations(tmp_path, [], method="")
    (tmp_path / "report.html").write_text("<p>of an earlier version</p>")
    assert not show_explanations(tmp_path, [], method="")
