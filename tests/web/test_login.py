"""Who gets in, who does not, and for how long."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest
from tests.web.clinic import KEY, PASSWORD, Clinic, csrf

from overread.clinic.people import Role
from overread.web.sessions import COOKIE, Sessions

PAGES = ("/", "/studies/1.2.3", "/operations", "/quality", "/users", "/password", f"/runs/{KEY}/overlay.png")


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    made = Clinic(tmp_path)
    made.add_study()
    made.add_run()
    return made


def test_nothing_is_shown_without_a_login(clinic: Clinic) -> None:
    browser = clinic.browser()
    for path in PAGES:
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "Jane" not in answer.text
    for path in ("/api/studies", "/api/studies/1.2.3", "/api/feedback"):
        assert browser.get(path).status_code == 401
    assert browser.get("/healthz").status_code == 200
    assert "Jane" not in browser.get("/login").text


def test_login_and_logout(clinic: Clinic) -> None:
    browser = clinic.person("ann")
    cookie = browser.cookies.jar._cookies["127.0.0.1"]["/"][COOKIE]  # type: ignore[attr-defined]
    assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "strict"
    page = browser.get("/")
    assert "Jane" in page.text and "ann" in page.text
    assert browser.post("/logout", data={"csrf": csrf(page.text)}).status_code == 303
    assert browser.get("/").status_code == 303
    assert [(k, a) for k, a, _ in clinic.notes] == [("web.login", "ann"), ("web.logout", "ann")]


def test_wrong_passwords_are_told_and_limited(clinic: Clinic) -> None:
    clinic.person("ann")
    browser = clinic.browser()
    for _ in range(5):
        answer = browser.post("/login", data={"name": "ann", "password": "wrong password"})
        assert (answer.status_code, "Wrong name or password" in answer.text) == (401, True)
    answer = browser.post("/login", data={"name": "ann", "password": PASSWORD})
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    assert [k for k, _, _ in clinic.notes].count("web.login_failed") == 5


def test_wrong_passwords_at_the_same_moment_are_limited_too_and_two_at_most_are_looked_at(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, most, lock, five = [0], [0], threading.Lock(), threading.Event()

    def slow(name: str, password: str) -> None:
        with lock:
            looked[0] += 1
            most[0] = max(most[0], looked[0])
        five.wait(0.05)
        with lock:
            looked[0] -= 1

    monkeypatch.setattr(clinic.site.users, "check", slow)
    answers: list[int] = []

    def guess(number: int) -> None:
        form = {"name": "ann", "password": f"wrong {number}"}
        answers.append(clinic.browser().post("/login", data=form).status_code)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(answers), most[0]) == ([401] * 5 + [429] * 7, 2)


def test_programs_too_change_a_password_that_another_set(clinic: Clinic) -> None:
    clinic.site.users.add("bob", frozenset({Role.READER}), PASSWORD)
    basic = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    answer = clinic.browser().get("/api/studies", headers={"Authorization": f"Basic {basic}"})
    assert (answer.status_code, "Jane" in answer.text) == (403, False)


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
def test_a_login_from_a_foreign_frame_without_origin_begins_nothing(
    clinic: Clinic, site: str, status: int
) -> None:
    clinic.person("ann")
    headers = {"Origin": "null", "Sec-Fetch-Site": site}
    answer = clinic.browser().post("/login", data={"name": "ann", "password": PASSWORD}, headers=headers)
    assert answer.status_code == status


def test_a_session_ends_when_nobody_asks_and_when_a_page_asks_by_itself() -> None:
    now = [0.0]
    sessions = Sessions(idle=10, longest=100, clock=lambda: now[0])
    token = sessions.begin("ann", frozenset({Role.READER}))
    for now[0] in (8.0, 16.0):
        assert sessions.find(token)
    for now[0] in (20.0, 26.0):
        assert sessions.find(token, active=False)
    now[0] = 26.5
    assert sessions.find(token) is None
    token = sessions.begin("ann", frozenset({Role.READER}))
    for step in range(1, 20):
        now[0] = 26.5 + 6 * step
        alive = sessions.find(token)
    assert alive is None, "a session ends however busy it is"


def test_an_ended_session_is_sent_to_the_login(clinic: Clinic) -> None:
    browser = clinic.person("ann")
    clinic.site.sessions.end_all("ann")
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?ended")
    assert "session has ended" in browser.get("/login?ended").text


def test_a_password_that_another_set_is_changed_first(clinic: Clinic) -> None:
    clinic.site.users.add("bob", frozenset({Role.READER}), PASSWORD)
    browser = clinic.browser()
    browser.post("/login", data={"name": "bob", "password": PASSWORD})
    assert browser.get("/").headers["location"] == "/password"
    assert browser.get("/api/studies").headers.get("location") == "/password"
    token = csrf(browser.get("/password").text)
    given = {"csrf": token, "old": PASSWORD, "new": "another sentence 2", "again": "another sentence 3"}
    assert "differ" in browser.post("/password", data=given).text
    given["again"] = given["new"]
    assert browser.post("/password", data=given).status_code == 303
    assert browser.get("/").status_code == 200
    other = clinic.browser()
    assert other.post("/login", data={"name": "bob", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("change", [{"csrf": "0" * 64}, {"csrf": None}])
def test_forms_of_other_sites_change_nothing(clinic: Clinic, change: dict[str, str | None]) -> None:
    browser = clinic.person("ann", Role.READER, Role.OPERATOR)
    form = {"verdict": "accept", **{k: v for k, v in change.items() if v}}
    assert browser.post(f"/studies/1.2.3/runs/{KEY}/feedback", data=form).status_code == 403
    assert (
        browser.post("/operations/delete", data={"study": "1.2.3", "sure": "yes", **form}).status_code == 403
    )
    assert clinic.site.feedback.feedback() == [] and clinic.state.asked() == []
    right = {"csrf": csrf(browser.get("/").text), "verdict": "accept"}
    headers = {"Origin": "http://evil.example"}
    answer = browser.post(f"/studies/1.2.3/runs/{KEY}/feedback", data=right, headers=headers)
    assert answer.status_code == 403
    login = browser.post("/login", data={"name": "ann", "password": PASSWORD}, headers=headers)
    assert login.status_code == 403


@pytest.mark.parametrize(
    ("path", "role"), [("/operations", Role.OPERATOR), ("/quality", Role.QUALITY), ("/users", Role.OPERATOR)]
)
def test_pages_of_roles(clinic: Clinic, path: str, role: Role) -> None:
    others = [r for r in Role if r is not role]
    assert clinic.person("ann", *others).get(path).status_code == 403
    assert clinic.person("bob", role).get(path).status_code == 200


def test_who_is_no_reader_says_nothing_of_a_result(clinic: Clinic) -> None:
    browser = clinic.person("bob", Role.OPERATOR)
    page = browser.get("/studies/1.2.3").text
    assert "Is it right?" not in page
    form = {"csrf": csrf(page), "verdict": "accept"}
    assert browser.post(f"/studies/1.2.3/runs/{KEY}/feedback", data=form).status_code == 403


def test_programs_use_name_and_password(clinic: Clinic) -> None:
    clinic.person("ann")
    basic = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    program = clinic.browser()
    assert program.get("/api/studies", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    for wrong in ("Basic !!!", "Basic " + base64.b64encode(b"ann:no such").decode(), "Bearer x"):
        assert program.get("/api/studies", headers={"Authorization": wrong}).status_code == 401


def test_operators_add_users_and_take_away(clinic: Clinic) -> None:
    boss = clinic.person("boss", Role.OPERATOR)
    token = csrf(boss.get("/users").text)
    page = boss.post("/users", data={"csrf": token, "action": "add", "name": "eve", "role_reader": "yes"})
    password = page.text.split("<code>")[1].split("</code>")[0]
    eve = clinic.browser()
    assert eve.post("/login", data={"name": "eve", "password": password}).status_code == 303
    assert eve.get("/password").status_code == 200
    boss.post("/users", data={"csrf": token, "action": "lock", "name": "eve"})
    assert eve.get("/password").status_code == 303, "whoever is locked out is out at once"
    answer = boss.post("/users", data={"csrf": token, "action": "lock", "name": "boss"})
    assert "only operator" in answer.text
    assert ("web.user_changed", "boss") in [(k, a) for k, a, _ in clinic.notes]


def test_without_a_login_on_loopback_alone(tmp_path: Path) -> None:
    open_clinic = Clinic(tmp_path, login=False)
    assert open_clinic.browser().get("/").status_code == 200
    with pytest.raises(ValueError, match="without a password"):
        Clinic(tmp_path, login=False, host="0.0.0.0")
