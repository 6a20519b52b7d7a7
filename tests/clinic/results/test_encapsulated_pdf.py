"""Encapsulated PDF: a page of this run's result, with the patient's name only where it was asked for."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import write_segmenter, write_series

from overread.clinic.results import encapsulated_pdf


def test_is_a_pdf_of_its_source(tmp_path: Path) -> None:
    made_of = material(
        write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in"), objects=["pdf"]
    )
    ds = dcmread(all_objects(made_of, tmp_path / "out")["pdf"])
    assert (ds.Modality, ds.MIMETypeOfEncapsulatedDocument) == ("DOC", "application/pdf")
    content = ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength]
    assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content
    assert len(ds.SourceInstanceSequence) == 6
    assert zlib.crc32(content) == zlib.crc32(encapsulated_pdf.page(made_of))


@pytest.mark.parametrize("identity", [True, False])
def test_identity_is_written_only_where_it_is_asked_for(tmp_path: Path, identity: bool) -> None:
    made_of = material(
        write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in"), identity=identity
    )
    written = " ".join(line for line, _, _ in encapsulated_pdf._head(made_of))
    assert ("ller" in written, "P1" in written) == (identity, identity)
