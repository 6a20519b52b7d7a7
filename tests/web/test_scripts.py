"""No attribute of an image, of a prior or of a run is ever a script on a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, tag_for_keyword
from tests.clinic.site import write_series
from tests.web.clinic import KEY, Clinic

from overread.clinic.look import look
from overread.clinic.priors.kept import KeptPriors, Prior, write_priors
from overread.clinic.tables import Aside, Priority, StudyState

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"
TEXTS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
OURS = {"/static/overread.js", "/static/planes.js"}


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script":
            self.scripts.append(given.get("src") or "inline")
        self.wrong += [f"{tag} {name}" for name in given if name.startswith("on")]
        for name in ("href", "src", "action"):
            value = given.get(name) or "/"
            if not value.startswith(("/", "#", "?")):
                self.wrong.append(f"{tag} {name}={value}")


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    """A study of which every text that DICOM knows is evil, as its header gives it to the node."""
    made = Clinic(tmp_path, login=False)
    path = write_series(tmp_path / "in", slices=1)[0]
    ds = dcmread(path)
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if vr in TEXTS and keyword and tag >> 16 > 0x0008 and tag >> 16 < 0x0040:
            ds.add_new(tag, "LT", EVIL)
    for keyword in ("StudyDescription", "AccessionNumber", "SeriesDescription", "Manufacturer"):
        ds.add_new(tag_for_keyword(keyword) or 0, "LT", EVIL)
    ds.save_as(path)
    seen = look([path], [], set())
    made.add_study(**seen["columns"])
    made.add_run(error=EVIL, state=StudyState.FAILED)
    made.state.set_study(
        "1.2.3",
        StudyState.FAILED,
        error=EVIL,
        sender=EVIL,
        urgent_reason=EVIL,
        run=KEY,
        runs=[KEY],
        aside=[Aside("1.2.3.4", EVIL, EVIL)],
    )
    made.state.raise_study("1.2.3", Priority.URGENT, EVIL)
    prior = Prior("1.2.4", EVIL, EVIL, EVIL, (EVIL,), 1, EVIL)
    write_priors(made.results / KEY, KeptPriors((prior,), (EVIL,)))
    number = made.state.ask("rerun", EVIL)
    made.state.give_up(number, 8, EVIL)
    return made


@pytest.mark.parametrize(
    "path",
    ["/", "/studies/1.2.3", "/operations", "/quality", f"/?q={EVIL}", f"/?state={EVIL}", f"/studies/{EVIL}"],
)
def test_texts_stay_texts(clinic: Clinic, path: str) -> None:
    page = clinic.browser().get(path).text
    found = Elements(page)
    assert set(found.scripts) <= OURS and not found.wrong
    assert "<script>alert" not in page


def test_programs_are_told_in_json_alone(clinic: Clinic) -> None:
    answer = clinic.browser().get("/api/studies")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "alert(1)" in answer.json()["studies"][0]["description"], (
        "as it is: a program must escape it itself"
    )
