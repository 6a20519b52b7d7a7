"""A clinic of the test's own making: its records, and browsers of it without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from overread.clinic.feedback import FeedbackStore
from overread.clinic.people import Role, Users
from overread.clinic.shown import shown
from overread.clinic.state import State
from overread.clinic.tables import StudyState
from overread.clinic.web_settings import Web
from overread.runtime.answer import LabelMap, Measurement
from overread.runtime.prediction import Outcome, Prediction
from overread.web.app import create_app
from overread.web.site import NodeFacts, Site

KEY = "0123456789abcdef" * 2
PASSWORD = "a long sentence 1"
OUR_SCRIPTS = [f'<script src="/static/{name}.js" defer>' for name in ("overread", "planes")]
"""Every script of a page, as the content security policy allows them: files of ours, none within the page."""
FACTS = NodeFacts("NODE", "127.0.0.1:104", (("r", "p", "1", "a" * 64),), ("PACS",), "RESEARCH")


class Clinic:
    """Records of a node, and the site over them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.state = State(folder / "clinic.db")
        self.results = folder / "results"
        self.trouble = ""
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.site = Site(
            state=self.state,
            users=Users(folder / "clinic.db"),
            feedback=FeedbackStore(folder / "clinic.db"),
            results=self.results,
            facts=FACTS,
            trouble=lambda: self.trouble,
            note=lambda kind, *, actor, **payload: self.notes.append((kind, actor, payload)),
            settings=Web.model_validate(settings),
            access_log=folder / "access.log",
        )
        self.app = create_app(self.site)

    def browser(self, **arguments: Any) -> TestClient:
        """Someone who has not logged in."""
        arguments = {"base_url": "http://127.0.0.1", "follow_redirects": False, **arguments}
        return TestClient(self.app, **arguments)

    def person(self, name: str, *roles: Role) -> TestClient:
        """Someone who has logged in with these roles."""
        self.site.users.add(name, frozenset(roles or (Role.READER,)), PASSWORD, must_change=False)
        browser = self.browser()
        answer = browser.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return browser

    def add_study(self, study: str = "1.2.3", **descriptors: Any) -> None:
        """A study that has come."""
        self.state.arrived(study, 3, "CT1", {"patient_name": "Doe^Jane", "patient_id": "7", **descriptors})

    def add_run(self, study: str = "1.2.3", key: str = KEY, **values: Any) -> None:
        """A run of it, delivered unless ``values`` say otherwise, that found a lesion."""
        self.state.add_run(
            key=key,
            study_uid=study,
            created="2026-01-02T03:04:05+00:00",
            state=StudyState.QUEUED,
            route="r",
            package_name="finder",
            package_version="2.1",
            package_sha256="b" * 64,
            sops_sha256="c",
            instances=3,
        )
        # As the node does once a study is complete: until then it is still receiving.
        self.state.set_study(study, StudyState.QUEUED)
        self.state.delivery(key, "PACS")
        volume = Measurement("lesion", "volume", 3.14159, 2, 5, "ml")
        answer = LabelMap(np.zeros((2, 2), np.uint8), (volume,))
        prediction = shown(Prediction(Outcome.OK, "task", "finder", "2.1", "b" * 64, answer, seconds=1.5))
        self.state.set_run(key, **{"state": StudyState.DELIVERED, "prediction": prediction, **values})


def csrf(page: str) -> str:
    """The token of a page's forms."""
    return page.split('name="csrf" value="')[1].split('"')[0]
