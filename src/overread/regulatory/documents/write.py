"""A document into the kind of file that its name asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import write_json, write_text
from overread.regulatory.documents.docx import write_docx
from overread.regulatory.documents.html import html_of
from overread.regulatory.documents.parts import Document
from overread.regulatory.documents.pdf import write_pdf

KINDS = (".html", ".pdf", ".docx", ".json")


def write_document(document: Document, path: Path, *, data: Mapping[str, Any]) -> Path:
    """Write ``path`` as its suffix says; ``data`` is what a JSON file holds.

    Raises
    ------
    InputError
        Another suffix than .html, .pdf, .docx or .json, or a library that is not installed.
    """
    match path.suffix.lower():
        case ".html":
            write_text(path, html_of(document))
        case ".pdf":
            write_pdf(html_of(document), path)
        case ".docx":
            write_docx(document, path)
        case ".json":
            write_json(path, dict(data))
        case other:
            raise InputError(f"{path}: found suffix {other or '(none)'}, expected one of {', '.join(KINDS)}")
    return path
