"""A person's own consent: bound to who asked, used once, renewed without losing anything, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select, update

from tests.fakes.desk import FakeDesk, running_desk
from tests.tracker.services.renewing import DeskPorts
from tests.tracker.world import MENTEE, MENTOR, World, instant
from tracker.clock import FixedClock
from tracker.errors import BadInput, ConnectorError
from tracker.models import (
    AuditEntry,
    Calendar,
    CalendarStatus,
    ConsentFlow,
    Credential,
    CredentialStatus,
    Person,
    PersonAddress,
    Provider,
)
from tracker.ports import Vault, Want
from tracker.services.audit import Act
from tracker.services.connections import CalendarAt, connect_calendars
from tracker.services.consents import (
    Ask,
    Given,
    begin_consent,
    finish_consent,
    revoke_consent,
    who_could_allow,
)
from tracker.services.credentials import access_of
from tracker.store import Store

NOW = instant("2026-02-02 08:00")
GOOGLE, OUTLOOK = Provider.GOOGLE, Provider.OUTLOOK


class Counter:
    """A person before the desk, and everybody's rows."""

    def __init__(self, store: Store, vault: Vault, desk: FakeDesk) -> None:
        self.store, self.desk = store, desk
        self.clock = FixedClock(NOW)
        self.ports = DeskPorts(store, vault, desk, self.clock)
        world = World(store, vault)
        self.ana_id, self.ben_id = world.person(MENTOR), world.person(MENTEE)

    def person(self, person_id: int) -> Person:
        with self.store.read() as db:
            return db.get_one(Person, person_id)

    @property
    def ana(self) -> Person:
        return self.person(self.ana_id)

    def act(self, person_id: int | None = None) -> Act:
        return Act(person_id or self.ana_id, "site", self.clock.instant)

    def begin(self, provider: Provider = GOOGLE, *wants: Want, account: str | None = None) -> dict[str, str]:
        """Begin, and return what the provider is asked."""
        ask = Ask(provider, frozenset(wants or (Want.READ,)), account)
        return dict(parse_qsl(urlsplit(begin_consent(self.ports, self.ana, ask, self.act()).url).query))

    def finish(self, state: str, provider: Provider = GOOGLE, **answer: str) -> Calendar:
        """Come back from the provider."""
        return self.give(state, provider, **answer).calendar

    def give(self, state: str, provider: Provider = GOOGLE, **answer: str) -> Given:
        """Come back, and say what came of it."""
        return finish_consent(
            self.ports, self.ana, provider, {"state": state, "code": "code", **answer}, self.act()
        )

    def connect(self, provider: Provider = GOOGLE, *wants: Want) -> Calendar:
        """Go all the way."""
        return self.finish(self.begin(provider, *wants)["state"], provider)

    def rows(self, table: type) -> list:  # type: ignore[type-arg]
        with self.store.read() as db:
            return list(db.scalars(select(table).order_by(table.id)))  # type: ignore[attr-defined]

    @property
    def credential(self) -> Credential:
        (row,) = self.rows(Credential)
        found: Credential = row
        return found

    def calendar(self) -> Calendar:
        (row,) = self.rows(Calendar)
        found: Calendar = row
        return found


@pytest.fixture
def counter(store: Store, vault: Vault) -> Iterator[Counter]:
    with running_desk() as desk:
        yield Counter(store, vault, desk)


def test_it_asks_for_reading_and_nothing_else(counter: Counter) -> None:
    asked = counter.begin()
    assert asked["scope"] == "read"
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/calendars/google/back"
    assert asked["login_hint"] == MENTOR


def test_what_is_under_way_is_sealed(counter: Counter) -> None:
    state = counter.begin()["state"]
    (flow,) = counter.rows(ConsentFlow)
    assert state not in (flow.state_hash, flow.memory)
    assert "canary" not in flow.memory
    assert flow.expires_at == NOW + timedelta(minutes=10)


def test_a_consent_connects_the_calendar(counter: Counter) -> None:
    calendar = counter.connect()
    row = counter.credential
    assert (row.account, row.scopes, row.status) == (MENTOR, ["read"], CredentialStatus.ACTIVE)
    assert (calendar.provider, calendar.credential_id, calendar.is_owners) == (GOOGLE, row.id, True)
    assert calendar.next_read_at == NOW
    vault = counter.ports.vault
    assert vault.open(calendar.address, calendar.address_binding) == MENTOR
    assert vault.open(row.refresh_token, row.binding) in counter.desk.state.good
    access = access_of(counter.ports, calendar)
    assert access is not None
    assert access.token()
    assert counter.desk.state.refreshes == 0  # the first token came with the consent
    assert [e.act for e in counter.rows(AuditEntry)] == ["calendar.connected", "consent.given"]


def test_a_calendar_of_the_companys_is_read_with_the_persons_own_consent_from_then_on(
    counter: Counter,
) -> None:
    with counter.store.write() as db:
        company = Act(None, "command", NOW)
        connect_calendars(db, counter.ports.vault, {counter.ana_id: CalendarAt(GOOGLE, MENTOR)}, company)
    counter.connect()
    assert counter.calendar().credential_id == counter.credential.id


# --- whose answer it is ---


def test_an_answer_is_taken_once(counter: Counter) -> None:
    state = counter.begin()["state"]
    counter.finish(state)
    with pytest.raises(BadInput):
        counter.finish(state)
    assert len(counter.rows(Credential)) == 1


def test_an_answer_of_ten_minutes_is_too_late(counter: Counter) -> None:
    state = counter.begin()["state"]
    counter.clock.instant = NOW + timedelta(minutes=10)
    with pytest.raises(BadInput):
        counter.finish(state)
    assert counter.rows(Credential) == []


@pytest.mark.parametrize("state", ["", "x", "0" * 64])
def test_a_state_that_was_made_up_opens_nothing(counter: Counter, state: str) -> None:
    counter.begin()
    with pytest.raises(BadInput):
        counter.finish(state)


def test_somebody_elses_answer_is_refused_and_stays_theirs(counter: Counter) -> None:
    state = counter.begin()["state"]
    with pytest.raises(BadInput):
        finish_consent(
            counter.ports,
            counter.person(counter.ben_id),
            GOOGLE,
            {"state": state, "code": "code"},
            counter.act(counter.ben_id),
        )
    assert counter.rows(Credential) == []
    assert counter.finish(state).person_id == counter.ana_id


def test_an_answer_for_another_provider_is_refused(counter: Counter) -> None:
    state = counter.begin(GOOGLE)["state"]
    with pytest.raises(BadInput):
        counter.finish(state, OUTLOOK)


def test_a_no_connects_nothing(counter: Counter) -> None:
    state = counter.begin()["state"]
    with pytest.raises(ConnectorError) as caught:
        counter.finish(state, error="access_denied")
    assert caught.value.code == "consent_denied"
    assert (counter.rows(Credential), counter.rows(ConsentFlow)) == ([], [])


def test_what_was_never_finished_is_swept_away(counter: Counter) -> None:
    counter.begin()
    counter.clock.instant = NOW + timedelta(minutes=11)
    counter.begin()
    assert len(counter.rows(ConsentFlow)) == 1


# --- which account it is ---


@pytest.mark.parametrize("account", [MENTEE, "ben@home.example", "BEN@example.com"])
def test_somebody_elses_account_is_refused(counter: Counter, account: str) -> None:
    with counter.store.write() as db:
        db.add(PersonAddress(person_id=counter.ben_id, email="ben@home.example"))
    counter.desk.state.account = account
    with pytest.raises(BadInput, match="somebody else"):
        counter.connect()
    assert (counter.rows(Credential), counter.rows(Calendar)) == ([], [])


def test_an_account_nobody_knows_is_the_persons_and_no_address_of_theirs(counter: Counter) -> None:
    counter.desk.state.account = "Ana.Private@Mail.example"
    calendar = counter.connect()
    assert counter.credential.account == "ana.private@mail.example"
    assert counter.ports.vault.open(calendar.address, calendar.address_binding) == "ana.private@mail.example"
    assert counter.ana.all_addresses == {MENTOR}


def test_a_provider_that_names_no_account_is_asked_for_the_persons_own(counter: Counter) -> None:
    counter.desk.state.account = None
    counter.connect()
    assert counter.credential.account == MENTOR


def test_without_the_right_to_read_nothing_is_connected(counter: Counter) -> None:
    counter.desk.state.scopes = frozenset({"write"})
    with pytest.raises(ConnectorError) as caught:
        counter.connect()
    assert caught.value.code == "consent_partial"
    assert counter.rows(Credential) == []


def test_without_lasting_access_nothing_is_connected(counter: Counter) -> None:
    counter.desk.state.gives_refresh_token = False
    with pytest.raises(ConnectorError) as caught:
        counter.connect()
    assert caught.value.code == "consent_failed"
    assert counter.rows(Credential) == []


# --- again, and more ---


def test_the_same_account_again_renews_the_consent(counter: Counter) -> None:
    counter.connect()
    first = counter.credential
    with counter.store.write() as db:
        over = {"status": CredentialStatus.REFUSED, "refused_at": NOW, "told_at": NOW, "leased_until": NOW}
        db.execute(update(Credential).values(over))
        db.execute(update(Calendar).values(problem="reconnect", failures=3, next_read_at=None))
    counter.clock.instant = NOW + timedelta(days=2)
    calendar = counter.connect()
    again = counter.credential
    assert (again.id, again.status, again.version) == (first.id, CredentialStatus.ACTIVE, first.version + 1)
    assert (again.refused_at, again.told_at, again.leased_until) == (None, None, None)
    assert again.granted_at == counter.clock.instant
    assert (calendar.problem, calendar.failures) == (None, 0)
    assert counter.calendar().next_read_at == counter.clock.instant


def test_a_renewal_that_brings_no_refresh_token_keeps_ours(counter: Counter) -> None:
    counter.connect()
    before = counter.credential.refresh_token
    counter.desk.state.gives_refresh_token = False
    counter.connect()
    assert counter.credential.refresh_token == before


def test_asking_for_more_keeps_what_is_there(counter: Counter) -> None:
    counter.connect()
    assert counter.begin(GOOGLE, Want.WRITE)["scope"] == "read write"
    counter.desk.state.scopes = frozenset({"read", "write"})
    counter.connect(GOOGLE, Want.WRITE)
    assert counter.credential.scopes == ["read", "write"]
    assert len(counter.rows(Calendar)) == 1
    # And connecting again later does not lose it either.
    assert counter.begin()["scope"] == "read write"


def test_what_is_not_allowed_is_said_and_takes_nothing_away(counter: Counter) -> None:
    counter.connect()
    state = counter.begin(GOOGLE, Want.READ, Want.WRITE, Want.FREE_BUSY)["state"]
    counter.desk.state.scopes = frozenset({"read", "free_busy"})
    given = counter.give(state)
    assert given.lacking == {Want.WRITE}
    assert counter.credential.scopes == ["free_busy", "read"]
    assert counter.credential.status is CredentialStatus.ACTIVE


def test_a_no_to_more_leaves_what_was_allowed(counter: Counter) -> None:
    counter.connect()
    state = counter.begin(GOOGLE, Want.WRITE)["state"]
    with pytest.raises(ConnectorError):
        counter.finish(state, error="access_denied")
    assert (counter.credential.scopes, counter.credential.status) == (["read"], CredentialStatus.ACTIVE)
    assert counter.calendar().status is CalendarStatus.CONNECTED
    assert counter.ports.vault.open(counter.credential.refresh_token, counter.credential.binding)


def test_another_account_is_not_asked_for_what_this_one_allowed(counter: Counter) -> None:
    counter.desk.state.scopes = frozenset({"read", "write"})
    counter.connect(GOOGLE, Want.WRITE)
    assert counter.begin(account="ana@home.example")["scope"] == "read"


def test_what_the_provider_remembers_is_not_used_unasked(counter: Counter) -> None:
    counter.desk.state.scopes = frozenset({"read", "write"})
    counter.connect(GOOGLE, Want.WRITE)
    revoke_consent(counter.ports, counter.ana, counter.credential.id, counter.act())
    calendar = counter.connect()
    assert counter.credential.scopes == ["read"]
    # Nor does a renewal bring it back.
    counter.clock.instant = NOW + timedelta(hours=2)
    access = access_of(counter.ports, calendar)
    assert access is not None
    assert access.token()
    assert (counter.credential.scopes, counter.desk.state.refreshes) == (["read"], 1)


def test_it_is_known_who_could_allow_more(counter: Counter) -> None:
    counter.connect()
    people = [counter.ana_id, counter.ben_id]

    def could() -> frozenset[int]:
        with counter.store.read() as db:
            return who_could_allow(db, counter.ports.consents, people, Want.FREE_BUSY)

    assert could() == {counter.ana_id}
    counter.desk.state.scopes = frozenset({"read", "free_busy"})
    counter.connect(GOOGLE, Want.FREE_BUSY)
    assert could() == frozenset()


def test_more_that_is_allowed_has_meetings_asked_for_anew(counter: Counter) -> None:
    counter.connect()
    with counter.store.write() as db:
        db.execute(update(Calendar).values(records_refused_at=NOW))
    counter.connect(GOOGLE, Want.ATTENDANCE)
    assert counter.calendar().records_refused_at is None


def test_consents_of_two_providers_do_not_mix(counter: Counter) -> None:
    counter.desk.state.scopes = frozenset({"read", "write"})
    counter.connect(GOOGLE, Want.WRITE)
    assert counter.begin(OUTLOOK)["scope"] == "read"


def test_the_account_that_is_connected_again_is_hinted_at(counter: Counter) -> None:
    assert counter.begin(account="ana@home.example")["login_hint"] == "ana@home.example"


def test_an_installation_without_a_client_offers_nothing(counter: Counter) -> None:
    class Nobody:
        """No desks."""

        def open(self, provider: str) -> None:
            return None

    counter.ports.consents = Nobody()
    with pytest.raises(ConnectorError) as caught:
        counter.begin()
    assert caught.value.code == "not_available"


# --- giving it back ---


def test_giving_it_back_tells_the_provider_and_forgets_the_tokens(counter: Counter) -> None:
    counter.connect()
    token = counter.ports.vault.open(counter.credential.refresh_token, counter.credential.binding)
    assert revoke_consent(counter.ports, counter.ana, counter.credential.id, counter.act())
    row, calendar = counter.credential, counter.calendar()
    assert counter.desk.state.revoked == [token]
    assert (row.status, row.refresh_token, row.access_token) == (CredentialStatus.REVOKED, "", None)
    assert (row.access_until, row.scopes) == (None, [])
    assert (calendar.status, calendar.credential_id) == (CalendarStatus.DISCONNECTED, None)
    assert counter.rows(AuditEntry)[-1].act == "consent.revoked"


def test_a_provider_that_does_not_answer_keeps_nobody_connected(counter: Counter) -> None:
    counter.connect()

    class Silent:
        """A desk out of reach."""

        def open(self, provider: str) -> Silent:
            return self

        def revoke(self, refresh_token: str) -> None:
            raise ConnectorError("Out of reach.")

    counter.ports.consents = Silent()  # type: ignore[assignment]
    assert not revoke_consent(counter.ports, counter.ana, counter.credential.id, counter.act())
    assert counter.credential.status is CredentialStatus.REVOKED
    assert counter.calendar().status is CalendarStatus.DISCONNECTED


def test_nobody_gives_back_what_is_somebody_elses(counter: Counter) -> None:
    counter.connect()
    with pytest.raises(BadInput):
        revoke_consent(
            counter.ports, counter.person(counter.ben_id), counter.credential.id, counter.act(counter.ben_id)
        )
    assert counter.credential.status is CredentialStatus.ACTIVE


def test_a_consent_that_was_given_back_can_be_given_anew(counter: Counter) -> None:
    counter.connect()
    revoke_consent(counter.ports, counter.ana, counter.credential.id, counter.act())
    calendar = counter.connect()
    assert counter.credential.status is CredentialStatus.ACTIVE
    assert (calendar.status, calendar.disconnected_at) == (CalendarStatus.CONNECTED, None)
    assert calendar.credential_id == counter.credential.id


# --- what imports leave alone ---


@pytest.mark.parametrize("wanted", [CalendarAt(GOOGLE, "ana@new.example"), None])
def test_an_import_leaves_a_persons_own_consent_alone(counter: Counter, wanted: CalendarAt | None) -> None:
    mine = counter.connect()
    with counter.store.write() as db:
        connect_calendars(db, counter.ports.vault, {counter.ana_id: wanted}, Act(None, "command", NOW))
    kept = next(c for c in counter.rows(Calendar) if c.id == mine.id)
    assert (kept.status, kept.address) == (CalendarStatus.CONNECTED, mine.address)


def test_an_import_does_not_connect_what_its_owner_took_away(counter: Counter) -> None:
    counter.connect()
    revoke_consent(counter.ports, counter.ana, counter.credential.id, counter.act())
    with counter.store.write() as db:
        wanted = {counter.ana_id: CalendarAt(GOOGLE, MENTOR)}
        assert (
            connect_calendars(db, counter.ports.vault, wanted, Act(None, "command", later())) == frozenset()
        )
    assert counter.calendar().status is CalendarStatus.DISCONNECTED


def later() -> datetime:
    return NOW + timedelta(days=1)
