"""A document as one HTML file, without a script and without anything from outside."""

from __future__ import annotations

from pathlib import Path

from overread.regulatory.documents.parts import Document, cell


def html_of(document: Document) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(cell=cell, kind_of=lambda part: type(part).__name__)
    # A page that leaves its pile still says what must be said of its numbers.
    mark = " · ".join([document.title, *document.bands])[:160]
    return environment.get_template("document.html").render(d=document, mark=mark)
