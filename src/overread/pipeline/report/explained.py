"""The pictures of the explain stage, put into the report that the test stage wrote before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from overread.files import write_text
from overread.imaging.picture import HEAT
from overread.pipeline.report.page import FILE, data_uri

BEGIN, END = "<!--explanations-->", "<!--/explanations-->"


def show_explanations(folder: Path, pictures: Sequence[Path], *, method: str) -> bool:
    """Put ``pictures`` (PNG: the image beside its map) under a heading into ``folder/report.html``.

    Those that stood there from an earlier run are replaced. False where there is no report with a place for them.
    """
    page = folder / FILE
    if not page.is_file():
        return False
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        return False
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    write_text(page, f"{before}{BEGIN}{_section(pictures, method) if pictures else ''}{END}{after}")
    return True


def colour_bar() -> str:
    """CSS gradient of the maps' colours, from little to much."""
    stops = ", ".join("#{:02x}{:02x}{:02x}".format(*(int(v) for v in anchor)) for anchor in HEAT)
    return f"linear-gradient(to right, {stops})"


def _section(pictures: Sequence[Path], method: str) -> str:
    tiles = "".join(
        f'<figure><img src="{data_uri(p.read_bytes())}" alt="Image and map of {escape(p.stem)}"></figure>'
        for p in pictures
    )
    name = escape(re.sub(r"[_\s]+", " ", method)) or "a map of what the network weighed"
    return (
        '\n<h2 id="explanations">What the network weighed</h2>\n'
        f'<p class="note">{name}: left the image as the network sees it, right with its map, '
        f'none<span class="ramp" style="background:{colour_bar()}"></span>most. Each map is scaled to its own largest '
        "value: two maps cannot be compared in strength. It is no proof of why the network decided.</p>\n"
        f'<div class="pictures">{tiles}</div>\n'
    )
