"""PDF of a page, by WeasyPrint (BSD): an extra, for it needs Pango, which most Linux systems have."""

from __future__ import annotations

import logging
from pathlib import Path

from overread.errors import InputError
from overread.files import atomic_path

NEEDS = (
    "a PDF needs WeasyPrint and the system library Pango: pip install 'overread[documents]', then `apt install "
    "libpango-1.0-0 libpangoft2-1.0-0` or the like; or print the HTML page from a browser"
)


def write_pdf(html: str, path: Path) -> Path:
    """Write ``path`` from the text of a page that holds all its pictures.

    Nothing is fetched: only ``data:`` addresses are followed.

    Raises
    ------
    InputError
        WeasyPrint or Pango is not there.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise InputError(f"{path}: {NEEDS} ({error})") from error
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with atomic_path(path) as temporary:
        HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf(str(temporary))
    return path
