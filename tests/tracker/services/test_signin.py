"""Sign-in links: whose, until when, and once."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from cryptography.fernet import Fernet
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from tests.web.company import KEY, Company, open_company
from tracker.keys import derive_keys
from tracker.models import OutboxMail, Person, PersonAddress
from tracker.services.audit import Act
from tracker.services.signin import mail_link, read_link, sign_in_link, use_link
from tracker.services.tokens import LinkRefused, Refusal
from tracker.settings import Settings


@pytest.fixture
def ana(company: Company) -> Person:
    return company.person("Ana Ruiz")


def token_of(link: str) -> str:
    return unquote(link.rpartition("/")[2])


def make(company: Company, person: Person, **how: object) -> str:
    return token_of(sign_in_link(company.ports.settings, person, company.now, **how))  # type: ignore[arg-type]


def use(company: Company, token: str, after: timedelta = timedelta()) -> Person:
    with company.ports.store.write() as db:
        return use_link(db, company.ports.settings, token, Act(None, "site", company.now + after))


def test_a_link_signs_its_person_in(company: Company, ana: Person) -> None:
    company.person("Luis Pérez")
    assert use(company, make(company, ana)).id == ana.id


def test_reading_a_link_spends_nothing(company: Company, ana: Person) -> None:
    token = make(company, ana)
    with company.ports.store.read() as db:
        for _ in range(2):
            assert read_link(db, company.ports.settings, token, company.now).id == ana.id
    assert use(company, token).id == ana.id


def test_a_link_works_once(company: Company, ana: Person) -> None:
    token = make(company, ana)
    use(company, token)
    with pytest.raises(LinkRefused) as caught:
        use(company, token)
    assert caught.value.why is Refusal.USED


def test_of_two_uses_at_the_same_moment_one_wins(tmp_path: Path, fresh_database: str) -> None:
    company = open_company(tmp_path, database_url=fresh_database)
    token = make(company, company.person("Ana Ruiz"))
    settings, act = company.ports.settings, Act(None, "site", company.now)
    with company.ports.store.write() as slower:
        seen = read_link(slower, settings, token, company.now)  # held on to, with the version as it was
        use(company, token)
        with pytest.raises(LinkRefused) as caught:
            use_link(slower, settings, token, act)
    company.ports.store.close()
    assert (seen.name, caught.value.why) == ("Ana Ruiz", Refusal.USED)


def test_a_used_link_takes_the_older_ones_along(company: Company, ana: Person) -> None:
    older, newer = make(company, ana), make(company, ana)
    use(company, newer)
    with pytest.raises(LinkRefused):
        use(company, older)


def test_an_operators_link_works_until_it_runs_out(company: Company, ana: Person) -> None:
    token = make(company, ana, once=False, lasting=timedelta(days=2))
    use(company, token)
    assert use(company, token, timedelta(days=1)).id == ana.id
    with pytest.raises(LinkRefused):
        use(company, token, timedelta(days=2))


def test_a_link_runs_out(company: Company, ana: Person) -> None:
    token = make(company, ana)
    with pytest.raises(LinkRefused) as caught:
        use(company, token, timedelta(minutes=30))
    assert caught.value.why is Refusal.EXPIRED


@pytest.mark.parametrize("token", ["", "x", "bm90LWEtdG9rZW4.sig", "é", "a" * 5000])
def test_what_is_no_link_is_refused(company: Company, token: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        use(company, token)
    assert caught.value.why is Refusal.BROKEN


def test_a_changed_link_is_refused(company: Company, ana: Person) -> None:
    body, _, signature = make(company, ana).partition(".")
    with pytest.raises(LinkRefused):
        use(company, f"{body[:-2]}xx.{signature}")


def test_a_token_for_another_purpose_is_refused(company: Company, ana: Person) -> None:
    expires = int(company.now.timestamp()) + 600
    keys = derive_keys((KEY,), "cadencia sign-in")
    other = URLSafeSerializer(keys, salt="unsubscribe").dumps([ana.id, 0, expires])
    with pytest.raises(LinkRefused) as caught:
        use(company, str(other))
    assert caught.value.why is Refusal.BROKEN


def test_a_link_outlives_a_new_key(company: Company, ana: Person) -> None:
    token = make(company, ana)
    rotated = Settings(secret_keys=(Fernet.generate_key().decode(), KEY))
    with company.ports.store.write() as db:
        assert use_link(db, rotated, token, Act(None, "site", company.now)).id == ana.id


def test_a_link_dies_with_its_key(company: Company, ana: Person) -> None:
    token = make(company, ana)
    other = Settings(secret_keys=(Fernet.generate_key().decode(),))
    with company.ports.store.write() as db, pytest.raises(LinkRefused):
        use_link(db, other, token, Act(None, "site", company.now))


def ask(company: Company, email: str) -> bool:
    with company.ports.store.write() as db:
        return mail_link(db, company.ports, email, Act(None, "site", company.now), then="/pairs/3")


def mails(company: Company) -> list[OutboxMail]:
    with company.ports.store.read() as db:
        return list(db.scalars(select(OutboxMail)))


def test_the_link_goes_to_the_main_address(company: Company, ana: Person) -> None:
    with company.ports.store.write() as db:
        db.add(PersonAddress(person_id=ana.id, email="ana@former.example"))
    assert ask(company, " Ana@Former.example ")
    (mail,) = mails(company)
    assert (mail.kind, mail.recipient, mail.person_id) == ("sign_in", "ana.ruiz@example.com", ana.id)


def test_an_unknown_address_gets_nothing(company: Company, ana: Person) -> None:
    assert not ask(company, "nobody@example.com")
    assert mails(company) == []
