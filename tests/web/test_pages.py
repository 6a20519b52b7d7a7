"""Reading list, study page, feedback and operations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.clinic.results.made import in_slice_order
from tests.clinic.site import write_segmenter, write_series
from tests.web.clinic import KEY, OUR_SCRIPTS, Clinic, csrf

from overread.clinic.priors.kept import KeptPriors, Prior, write_priors
from overread.clinic.results.view import view_facts, write_view
from overread.clinic.tables import DeliveryState, Priority, StudyState
from overread.runtime.predict import predict
from overread.web.reading import PAGE_SIZE

EVIL = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>{{7*7}}"


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path, login=False)


@pytest.fixture
def browser(clinic: Clinic) -> TestClient:
    return clinic.browser()


def test_urgent_studies_come_first_and_the_list_is_searched_filtered_and_paged(
    clinic: Clinic, browser: TestClient
) -> None:
    for n in range(PAGE_SIZE + 3):
        clinic.add_study(f"1.2.{n}", patient_name=f"Name{n:02d}", patient_id=f"ID{n}")
    clinic.add_run("1.2.5", state=StudyState.FAILED, error="bad")
    clinic.state.raise_study("1.2.7", Priority.URGENT, "lesion")
    page = browser.get("/").text
    names = [part.split("<")[0] for part in page.split('class="name"')[1:]]
    assert "Name07" in names[0] and len(names) == PAGE_SIZE
    assert "Page 1 of 2" in page and "Older" in page and "Newer" not in page
    assert browser.get("/?page=2").text.count('class="name"') == 3
    assert "Page 2 of 2" in browser.get("/?page=99").text
    found = browser.get("/?q=name12").text
    assert found.count('class="name"') == 1 and "1 study" in found
    failed = browser.get("/?state=failed").text
    assert failed.count('class="name"') == 1 and "Name05" in failed
    assert "No study fits" in browser.get("/?q=%25_%5C").text


def test_no_script_of_anybody_runs(clinic: Clinic, browser: TestClient) -> None:
    columns = ("patient_name", "patient_id", "description", "modalities", "accession", "sender")
    clinic.state.arrived("1.2.3", 3, EVIL, {c: EVIL for c in columns if c != "sender"})
    clinic.add_run(error=EVIL, state=StudyState.FAILED)
    clinic.state.set_delivery(KEY, "PACS", DeliveryState.WAITING, error=EVIL)
    clinic.state.raise_study("1.2.3", Priority.URGENT, EVIL)
    clinic.trouble = EVIL
    page = browser.get("/studies/1.2.3").text
    form = {"csrf": csrf(page), "verdict": "correct", "reason": "other"}
    form |= {"label": EVIL, "correction": EVIL, "comment": EVIL}
    assert browser.post(f"/studies/1.2.3/runs/{KEY}/feedback", data=form).status_code == 303
    for path in (
        "/",
        "/studies/1.2.3",
        "/operations",
        "/quality",
        f"/?q={EVIL}",
        f"/?state={EVIL[:20]}",
        f"/studies/{EVIL}",
    ):
        text = browser.get(path).text
        assert "<img src=x" not in text and "<script>" not in text
        assert re.findall("<script[^>]*>", text) == OUR_SCRIPTS
    answer = browser.post("/operations/retry", data={"csrf": csrf(page), "run": EVIL})
    assert answer.status_code == 409 and "<script>" not in answer.text


def test_feedback_is_kept_shown_and_told(clinic: Clinic, browser: TestClient) -> None:
    clinic.add_study()
    clinic.add_run()
    path = f"/studies/1.2.3/runs/{KEY}/feedback"
    token = csrf(browser.get("/studies/1.2.3").text)
    answer = browser.post(path, data={"csrf": token, "verdict": "reject"})
    assert (answer.status_code, "reason: found" in answer.text) == (400, True)
    assert browser.post(path, data={"csrf": token, "verdict": "maybe"}).status_code == 400
    form = {"csrf": token, "verdict": "reject", "reason": "false_positive", "comment": "a vessel"}
    assert browser.post(path, data=form).status_code == 303
    page = browser.get("/studies/1.2.3").text
    assert "Rejected" in page and "Found what is not there" in page and "a vessel" in page
    assert "a vessel" in browser.get("/quality").text
    kind, actor, payload = clinic.notes[-1] if clinic.notes[-1][0] == "clinic.feedback" else clinic.notes[-2]
    assert (kind, actor, payload["reason"]) == ("clinic.feedback", "local", "false_positive")
    assert "vessel" not in str(payload), "the chain holds the hash of the words"
    assert browser.post(f"/studies/1.2.3/runs/{'f' * 32}/feedback", data=form).status_code == 404


def test_operators_ask_the_node(clinic: Clinic, browser: TestClient) -> None:
    clinic.add_study()
    clinic.add_run(state=StudyState.FAILED, error="no answer", files=["sr.dcm"])
    page = browser.get("/operations").text
    assert "no answer" in page and "PACS" in page
    token = csrf(page)

    def act(action: str, **form: str) -> Any:
        return browser.post(f"/operations/{action}", data={"csrf": token, **form})

    assert act("retry", run=KEY).headers["location"] == "/operations?asked=1"
    assert act("resend", run=KEY, destination="PACS").status_code == 303
    assert act("rerun", study="1.2.3").status_code == 303
    assert act("delete", study="1.2.3").status_code == 409
    assert act("delete", study="1.2.3", sure="yes").status_code == 303
    assert act("format", study="1.2.3").status_code == 404
    assert act("retry", run="f" * 32).status_code == 409
    assert [(r.kind, r.subject) for r in clinic.state.asked()] == [
        ("retry", KEY),
        ("resend", KEY),
        ("rerun", "1.2.3"),
        ("delete", "1.2.3"),
    ]
    assert "Asked for: retry" in browser.get("/operations?asked=1").text


def test_slices_of_a_run(clinic: Clinic, browser: TestClient, tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    image, _, _ = in_slice_order(write_series(tmp_path / "in"))
    clinic.add_study()
    clinic.add_run()
    folder = clinic.results / KEY
    folder.mkdir(parents=True)
    write_view(folder, image, predict(package, image, maps=True))
    facts = view_facts(folder)
    assert facts is not None
    assert facts.slices == (1, 2, 3, 4, 5, 6)
    assert facts.answered == facts.heated == (2, 3, 4)
    assert facts.begin in facts.answered
    page = browser.get("/studies/1.2.3").text
    assert 'data-answered="2 3 4"' in page
    for layer in ("image", "answer", "heat"):
        answer = browser.get(f"/runs/{KEY}/{layer}/3.png")
        assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")
    for path in ("image/7", "answer/1", "other/1", "image/x", "image/-1", "..%2f..%2f/1"):
        assert browser.get(f"/runs/{KEY}/{path}.png").status_code == 404
    (folder / "view.zip").write_bytes(b"damaged")
    assert browser.get("/studies/1.2.3").status_code == 200


def test_priors_are_shown_apart_with_what_could_not_be_had(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, login=False)
    clinic.add_study()
    clinic.add_run()
    before = Prior("1.2.840.1", "20230501", "<i>Brain</i>", "MR", ("1.2.840.1.1",), 24, "ARCHIVE")
    write_priors(clinic.results / KEY, KeptPriors((before,), ("a prior of 20220101 is another patient's",)))
    text = clinic.browser().get("/studies/1.2.3").text
    assert "2023-05-01" in text and "24 images from ARCHIVE" in text and "another patient" in text
    assert "<i>Brain" not in text
    assert [s["study_uid"] for s in clinic.browser().get("/api/studies").json()["studies"]] == ["1.2.3"]
