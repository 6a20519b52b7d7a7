"""One document in four kinds of file."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path

import pytest

from overread.errors import InputError
from overread.regulatory.documents.html import html_of
from overread.regulatory.documents.parts import Bullets, Cell, Document, Heading, Table, Text
from overread.regulatory.documents.pdf import write_pdf
from overread.regulatory.documents.write import write_document

DOCUMENT = Document(
    title="A <title>",
    subtitle="Below it",
    bands=("Exploratory: opened twice.",),
    parts=(
        Heading("First"),
        Text("A paragraph."),
        Text("Take care.", warning=True),
        Bullets(["one", "two"]),
        Table(
            ("Name", "Value"),
            [["area", Cell(("0.9",), ("test/auroc",))], ["x", Cell(("met",), mark="filled")]],
            (0.4, 0.6),
        ),
    ),
    footer="The end.",
)


def test_text_of_people_is_no_markup() -> None:
    page = html_of(DOCUMENT)
    assert "A &lt;title&gt;" in page
    assert "<title>A <title>" not in page


def test_docx_holds_every_word(tmp_path: Path) -> None:
    pytest.importorskip("docx")
    path = write_document(DOCUMENT, tmp_path / "a.docx", data={})
    text = zipfile.ZipFile(path).read("word/document.xml").decode()
    for word in ("A &lt;title&gt;", "First", "Take care.", "two", "test/auroc", "Exploratory", "The end."):
        assert word in text


def test_pdf_is_made_without_a_network(tmp_path: Path) -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("WeasyPrint or Pango is not here")
    path = write_document(DOCUMENT, tmp_path / "a.pdf", data={})
    assert path.read_bytes().startswith(b"%PDF-")
    # Pictures within the page are drawn; nothing outside is read, not even a file.
    secret = tmp_path / "secret.svg"
    secret.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    )
    inside = "data:image/svg+xml;base64," + base64.b64encode(secret.read_bytes()).decode()
    sizes = [
        write_pdf(f'<img src="{source}">', tmp_path / f"{k}.pdf").stat().st_size
        for k, source in enumerate((inside, secret.as_uri()))
    ]
    assert sizes[0] > sizes[1]


def test_json_holds_the_data(tmp_path: Path) -> None:
    path = write_document(DOCUMENT, tmp_path / "a.json", data={"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.html, \.pdf, \.docx, \.json"):
        write_document(DOCUMENT, tmp_path / "a.odt", data={})
