"""DOCX of a document, by python-docx (MIT): for those who must write into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never

from overread.errors import InputError
from overread.files import atomic_path
from overread.regulatory.documents.parts import Bullets, Document, Heading, Table, Text, cell

COLOURS = {"filled": "00694E", "partly": "8A5A00", "missing": "B24A00"}
PAGE_CM = 17.0


def write_docx(document: Document, path: Path) -> Path:
    """Write ``path``. Raises InputError where python-docx is not installed."""
    try:
        import docx
        from docx.shared import Cm, Pt
    except ImportError as error:
        raise InputError(f"{path}: a DOCX needs python-docx: pip install 'overread[documents]'") from error
    out = docx.Document()
    section = out.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    out.styles["Normal"].font.name, out.styles["Normal"].font.size = "Calibri", Pt(10)
    out.core_properties.title, out.core_properties.author = document.title, "overread"
    section.header.paragraphs[0].text = " · ".join(document.bands)
    out.add_heading(document.title, 0)
    for text in (document.subtitle, *document.bands):
        if text:
            out.add_paragraph(text).runs[0].bold = text in document.bands
    for part in document.parts:
        match part:
            case Heading():
                out.add_heading(part.text, part.level)
            case Text():
                run = out.add_paragraph().add_run(part.text)
                run.bold = part.warning
                run.font.size = Pt(8.5) if part.quiet else None
            case Bullets():
                for item in part.items:
                    out.add_paragraph(item, style="List Bullet")
            case Table():
                _table(out, part)
            case _:
                assert_never(part)
    if document.footer:
        out.add_paragraph(document.footer)
    with atomic_path(path) as temporary:
        out.save(str(temporary))
    return path


def _table(out: Any, part: Table) -> None:
    from docx.shared import Cm, Pt, RGBColor

    table = out.add_table(rows=1, cols=len(part.columns))
    table.style = "Light Grid Accent 1"
    table.autofit = False
    for k, name in enumerate(part.columns):
        table.rows[0].cells[k].text = name
    for row in part.rows:
        for target, value in zip(table.add_row().cells, row, strict=True):
            content = cell(value)
            paragraph = target.paragraphs[0]
            for k, line in enumerate([*content.lines, *content.quiet]):
                if k:
                    paragraph = target.add_paragraph()
                run = paragraph.add_run(line)
                run.bold = bool(content.mark) or None
                run.font.size = Pt(7) if k >= len(content.lines) else Pt(9)
                if content.mark:
                    run.font.color.rgb = RGBColor.from_string(COLOURS[content.mark])
    for k, share in enumerate(part.widths):
        for c in table.columns[k].cells:
            c.width = Cm(PAGE_CM * share)
