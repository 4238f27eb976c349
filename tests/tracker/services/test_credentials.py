"""Access tokens of people's own consents: renewed once for everybody, kept first, and mourned once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from integrations.vault import FernetVault, fresh_key
from tests.fakes.desk import FakeDesk, running_desk
from tests.tracker.services.renewing import DeskPorts
from tests.tracker.world import MENTOR, World, instant
from tracker.clock import FixedClock
from tracker.errors import AuthRevoked, ConnectorError
from tracker.models import AuditEntry, Calendar, Credential, CredentialStatus, OutboxMail, Provider
from tracker.ports import Access
from tracker.services.credentials import access_of
from tracker.store import Store

NOW = instant("2026-02-02 08:00")


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with running_desk() as running:
        yield running


@dataclass
class Office:
    """One person with a consent, and what it takes to use it."""

    ports: DeskPorts
    desk: FakeDesk
    person_id: int
    credential_id: int
    key: str
    clock: FixedClock

    @property
    def row(self) -> Credential:
        with self.ports.store.read() as db:
            return db.get_one(Credential, self.credential_id)

    @property
    def stored(self) -> tuple[str | None, str]:
        """The two tokens in the row, opened."""
        row, vault = self.row, self.ports.vault
        access = vault.open(row.access_token, row.binding) if row.access_token else None
        return access, vault.open(row.refresh_token, row.binding)

    @property
    def mails(self) -> list[OutboxMail]:
        with self.ports.store.read() as db:
            return list(db.scalars(select(OutboxMail)))

    def access(self, ports: DeskPorts | None = None, slept: list[float] | None = None) -> Access:
        """A way in, as a reading gets it."""
        sleep = slept.append if slept is not None else (lambda _s: None)
        found = access_of(ports or self.ports, Calendar(credential_id=self.credential_id), sleep)
        assert found is not None
        return found

    def change(self, **columns: object) -> None:
        with self.ports.store.write() as db:
            db.execute(update(Credential).values(columns))


@pytest.fixture
def office(store: Store, desk: FakeDesk) -> Office:
    key = fresh_key()
    vault = FernetVault([key])
    clock = FixedClock(NOW)
    ports = DeskPorts(store, vault, desk, clock)
    person_id = World(store, vault).person(MENTOR)
    with store.write() as db:
        row = Credential(person_id=person_id, provider=Provider.GOOGLE, account=MENTOR, granted_at=NOW)
        row.scopes, row.refresh_token = ["read"], ""
        db.add(row)
        db.flush()
        row.refresh_token = vault.seal(desk.state.issue("refresh"), row.binding)
    return Office(ports, desk, person_id, row.id, key, clock)


def test_a_calendar_without_a_consent_is_read_with_the_companys_access(office: Office) -> None:
    assert access_of(office.ports, Calendar()) is None


def test_it_renews_and_keeps_both_tokens_before_it_hands_one_out(office: Office) -> None:
    token = office.access().token()
    access, refresh = office.stored
    assert access == token
    assert {refresh} == office.desk.state.good  # the first one is worth nothing any more
    assert (office.row.version, office.row.leased_until) == (2, None)


def test_tokens_are_sealed_in_the_row(office: Office) -> None:
    token = office.access().token()
    assert office.row.access_token is not None
    assert token not in office.row.access_token
    assert "canary" not in office.row.refresh_token


def test_a_good_token_is_taken_from_the_row(office: Office) -> None:
    first = office.access().token()
    office.clock.instant = NOW + timedelta(minutes=54)
    assert office.access().token() == first
    assert office.desk.state.refreshes == 1


def test_a_token_is_renewed_in_its_last_five_minutes(office: Office) -> None:
    access = office.access()
    first = access.token()
    office.clock.instant = NOW + timedelta(minutes=55)
    assert access.token() != first
    assert office.desk.state.refreshes == 2


def test_a_token_of_four_minutes_is_used_nevertheless(office: Office) -> None:
    office.desk.state.lasts_s = 240
    assert office.access().token() == office.stored[0]
    assert office.desk.state.refreshes == 1


def test_a_refused_token_is_replaced(office: Office) -> None:
    access = office.access()
    first = access.token()
    second = access.replace(first)
    assert second == office.stored[0] != first
    assert access.token() == second


def test_a_refused_token_that_somebody_replaced_costs_no_request(office: Office) -> None:
    one, other = office.access(), office.access()
    first = one.token()
    assert other.token() == first
    second = one.replace(first)
    assert other.replace(first) == second
    assert office.desk.state.refreshes == 2


def test_a_provider_that_keeps_the_refresh_token_leaves_ours(office: Office) -> None:
    office.desk.state.gives_refresh_token = False
    before = office.stored[1]
    office.access().token()
    assert office.stored[1] == before


# --- once, however many want it ---


def test_fifty_threads_renew_once(office: Office) -> None:
    office.desk.state.delay_s = 0.3

    def want(_number: int) -> str:
        found = access_of(office.ports, Calendar(credential_id=office.credential_id))
        assert found is not None
        return found.token()

    with ThreadPoolExecutor(50) as pool:
        tokens = set(pool.map(want, range(50)))
    assert tokens == {office.stored[0]}
    assert office.desk.state.refreshes == 1


def test_fifty_threads_of_five_processes_renew_once(office: Office) -> None:
    office.desk.state.delay_s = 1.0
    url = office.ports.store.url
    words = [url, office.key, office.desk.root, str(office.credential_id), NOW.isoformat(), "10"]
    command = [sys.executable, "-m", "tests.tracker.services.renewing", *words]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    said = [process.communicate(timeout=120)[0].split() for process in running]
    assert [process.returncode for process in running] == [0] * 5
    assert [len(tokens) for tokens in said] == [10] * 5
    assert {token for tokens in said for token in tokens} == {office.stored[0]}
    assert office.desk.state.refreshes == 1


def test_whoever_gets_no_lease_waits_for_the_row(office: Office) -> None:
    office.change(leased_until=NOW + timedelta(seconds=30))
    slept: list[float] = []
    with pytest.raises(ConnectorError) as caught:
        office.access(slept=slept).token()
    assert (caught.value.code, caught.value.retry_after_s) == ("server_error", 90)
    assert office.desk.state.refreshes == 0
    assert 25 < sum(slept) < 35
    assert max(slept) <= 1


def test_a_lease_whose_holder_died_is_taken_over(office: Office) -> None:
    office.change(leased_until=NOW - timedelta(seconds=1))
    assert office.access().token() == office.stored[0]


def test_trouble_at_the_provider_gives_the_lease_back(office: Office) -> None:
    office.desk.state.status = 503
    with pytest.raises(ConnectorError) as caught:
        office.access().token()
    assert (caught.value.code, caught.value.retry_after_s) == ("server_error", 7)
    assert (office.row.leased_until, office.row.status) == (None, CredentialStatus.ACTIVE)
    assert office.mails == []
    office.desk.state.status = 200
    assert office.access().token()


def test_an_answer_that_comes_after_a_new_consent_is_dropped(office: Office) -> None:
    class Slow:
        """A desk at which the person connects again while we wait."""

        def open(self, provider: str) -> Slow:
            return self

        def refresh(self, refresh_token: str, now: object) -> object:
            row, vault = office.row, office.ports.vault
            office.change(
                version=row.version + 1,
                access_token=vault.seal("newer", row.binding),
                access_until=NOW + timedelta(hours=1),
                leased_until=None,
            )
            return office.desk.open("google").refresh(refresh_token, NOW)  # type: ignore[union-attr]

    ports = DeskPorts(office.ports.store, office.ports.vault, Slow(), office.clock)  # type: ignore[arg-type]
    assert office.access(ports).token() == "newer"
    assert office.stored[0] == "newer"


def test_an_installation_without_a_client_says_so(office: Office) -> None:
    class Nobody:
        """No desks."""

        def open(self, provider: str) -> None:
            return None

    ports = DeskPorts(office.ports.store, office.ports.vault, Nobody(), office.clock)
    with pytest.raises(ConnectorError) as caught:
        office.access(ports).token()
    assert caught.value.code == "not_available"
    assert office.row.leased_until is None


# --- when it is over ---


def test_a_consent_that_is_over_is_told_once(office: Office) -> None:
    office.desk.state.good.clear()
    for _ in range(3):
        with pytest.raises(AuthRevoked) as caught:
            office.access().token()
        assert caught.value.code == "reconnect"
    row = office.row
    assert (row.status, row.refused_at, row.told_at) == (CredentialStatus.REFUSED, NOW, NOW)
    assert (row.access_token, row.leased_until) == (None, None)
    (mail,) = office.mails
    assert (mail.kind, mail.recipient) == ("reconnect", MENTOR)
    assert b"/calendars" in mail.message
    assert office.desk.state.refreshes == 1
    with office.ports.store.read() as db:
        assert [e.act for e in db.scalars(select(AuditEntry))] == ["consent.refused"]


def test_fifty_threads_mourn_once(office: Office) -> None:
    office.desk.state.good.clear()
    office.desk.state.delay_s = 0.2

    def want(_number: int) -> str:
        try:
            return office.access().token()
        except ConnectorError as error:
            return error.code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(want, range(50))) <= {"reconnect", "server_error"}
    assert len(office.mails) == 1
    assert office.desk.state.refreshes == 1


def test_a_refusal_that_another_renewal_overtook_is_none(office: Office) -> None:
    class Overtaken:
        """A desk that refuses the token that another worker has just used up."""

        def open(self, provider: str) -> Overtaken:
            return self

        def refresh(self, refresh_token: str, now: object) -> object:
            row, vault = office.row, office.ports.vault
            office.change(
                version=row.version + 1,
                access_token=vault.seal("theirs", row.binding),
                access_until=NOW + timedelta(hours=1),
                leased_until=None,
            )
            raise AuthRevoked("used up")

    ports = DeskPorts(office.ports.store, office.ports.vault, Overtaken(), office.clock)  # type: ignore[arg-type]
    assert office.access(ports).token() == "theirs"
    assert (office.row.status, office.mails) == (CredentialStatus.ACTIVE, [])


def test_a_second_refusal_after_a_new_consent_is_told_again(office: Office) -> None:
    office.desk.state.good.clear()
    with pytest.raises(AuthRevoked):
        office.access().token()
    office.change(status=CredentialStatus.ACTIVE, version=5, refused_at=None, told_at=None)
    with pytest.raises(AuthRevoked):
        office.access().token()
    assert len(office.mails) == 2


@pytest.mark.parametrize("status", [CredentialStatus.REFUSED, CredentialStatus.REVOKED])
def test_a_consent_that_is_known_to_be_over_costs_no_request(
    office: Office, status: CredentialStatus
) -> None:
    office.change(status=status, refresh_token="")
    with pytest.raises(AuthRevoked):
        office.access().token()
    assert office.desk.state.refreshes == 0


def test_a_credential_that_is_gone_asks_to_connect_again(office: Office) -> None:
    found = access_of(office.ports, Calendar(credential_id=999))
    assert found is not None
    with pytest.raises(AuthRevoked):
        found.token()
