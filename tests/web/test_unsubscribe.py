"""No more reminders: by a button in the mail program, by a button on the page, and back."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.web.company import Company, csrf_of
from tracker.models import AuditEntry, Person
from tracker.services.audit import Act
from tracker.services.erasing import erase_person
from tracker.services.unsubscribing import unsubscribe_url

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def ana(company: Company) -> Person:
    return company.person("Ana Ruiz")


def path_of(company: Company, person: Person) -> str:
    settings = company.ports.settings
    return unsubscribe_url(settings, person.id).removeprefix(settings.base_url)


def is_off(company: Company, person: Person) -> bool:
    with company.ports.store.read() as db:
        return db.get_one(Person, person.id).nudges_off_at is not None


def acts(company: Company) -> list[str]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))


def test_a_mail_programs_button_is_enough(company: Company, app: Flask, ana: Person) -> None:
    answer = app.test_client(use_cookies=False).post(path_of(company, ana), data=ONE_CLICK)
    assert (answer.status_code, is_off(company, ana)) == (200, True)
    assert acts(company) == ["nudges.off"]


def test_looking_changes_nothing(company: Company, app: Flask, ana: Person) -> None:
    page = app.test_client().get(path_of(company, ana))
    assert page.status_code == 200
    assert page.text.count("btn-primary") == 1
    assert "Ana" not in page.text
    assert not is_off(company, ana)


def test_asking_twice_is_asking_once(company: Company, app: Flask, ana: Person) -> None:
    for _ in range(2):
        app.test_client().post(path_of(company, ana), data=ONE_CLICK)
    assert acts(company) == ["nudges.off"]


def test_it_can_be_taken_back_on_the_page(company: Company, app: Flask, ana: Person) -> None:
    client, path = app.test_client(), path_of(company, ana)
    page = client.post(path, data={"csrf_token": csrf_of(client.get(path).text)}).text
    assert "no reminders from Cadencia" in page
    client.post(f"{path}/undo", data={"csrf_token": csrf_of(page)})
    assert not is_off(company, ana)
    assert acts(company) == ["nudges.off", "nudges.on"]


def test_taking_back_asks_for_the_forms_token(company: Company, app: Flask, ana: Person) -> None:
    client, path = app.test_client(), path_of(company, ana)
    client.post(path, data=ONE_CLICK)
    assert client.post(f"{path}/undo", data=ONE_CLICK).status_code == 400
    assert is_off(company, ana)


def test_it_speaks_of_nobody_else(company: Company, app: Flask, ana: Person) -> None:
    other = company.person("Luis Pérez")
    app.test_client().post(path_of(company, ana), data=ONE_CLICK)
    assert not is_off(company, other)


@pytest.mark.parametrize("change", ["x", "sign_in", "missing"])
def test_a_link_that_is_not_ours_does_nothing(company: Company, app: Flask, ana: Person, change: str) -> None:
    ours = path_of(company, ana)
    path = {
        "x": ours[:-1] + ("A" if ours[-1] != "A" else "B"),
        "sign_in": "/unsubscribe/x.y",
        "missing": path_of(company, Person(id=ana.id + 99)),
    }[change]
    answer = app.test_client().post(path, data=ONE_CLICK)
    assert (answer.status_code, is_off(company, ana)) == (410, False)


def test_nobody_asks_for_reminders_to_somebody_who_was_erased(
    company: Company, app: Flask, ana: Person
) -> None:
    client, path = app.test_client(), path_of(company, ana)
    token = csrf_of(client.post(path, data={"csrf_token": csrf_of(client.get(path).text)}).text)
    with company.ports.store.write() as db:
        person = db.get_one(Person, ana.id)
        erase_person(db, company.ports.vault, person, Act(None, "command", company.now))
    assert client.post(f"{path}/undo", data={"csrf_token": token}).status_code == 410
    assert is_off(company, ana)
