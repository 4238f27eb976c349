"""The outbox: every mail once, whoever dies on the way."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, make_url, select, update
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import AuthRevoked, BadInput, ConnectorError
from tracker.models import LanePause, OutboxMail, OutboxState, Person
from tracker.ports import Letter
from tracker.services import outbox, schema
from tracker.services.outbox import LEASE, MAX_ATTEMPTS, PATIENCE, Note, enqueue, send_due
from tracker.store import Store

NOW = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
SENDER = "Cadencia <cadencia@example.com>"


class PlainWriter:
    """Writes the same few words in any language."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        self.written.append(f"{template} {language} {facts['name']}")
        return Letter(f"For {facts['name']}", "text\n", "<p>html</p>\n")


class FakeMailer:
    """Keeps what it is given; raises what `answer` returns for a recipient, if anything."""

    def __init__(self, answer: Callable[[str], BaseException | None] = lambda _: None) -> None:
        self.answer = answer
        self.sent: list[tuple[str, bytes]] = []
        self.rests = 0

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        assert sender == "cadencia@example.com"
        if error := self.answer(recipient):
            raise error
        self.sent.append((recipient, message))

    def rest(self) -> None:
        self.rests += 1


class PowerCutError(BaseException):
    """The process ends here: nothing after it runs."""


def _person(store: Store, email: str = "ana@example.com", language: str = "en") -> Person:
    with store.write() as db:
        person = Person(email=email, name=email.split("@")[0], language=language, created_at=NOW)
        db.add(person)
        db.flush()
    return person


def _put(store: Store, *emails: str) -> None:
    for email in emails or ("ana@example.com",):
        person = _person(store, email)
        with store.write() as db:
            enqueue(db, PlainWriter(), _note(person), sender=SENDER, now=NOW)


def _note(person: Person, key: str | None = None) -> Note:
    return Note("sign_in", person, {"name": person.name}, key or f"sign_in/{person.email}")


def _rows(store: Store) -> list[OutboxMail]:
    with store.read() as db:
        return list(db.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def _row(store: Store) -> OutboxMail:
    (row,) = _rows(store)
    return row


def _later(_recipient: str) -> ConnectorError:
    return ConnectorError("try later", code="rate_limited", retry_after_s=60)


def _never(_recipient: str) -> ConnectorError:
    return ConnectorError("no such person", code="refused")


def _unreachable(_recipient: str) -> ConnectorError:
    return ConnectorError("no answer", retry_after_s=60)


# --- putting in ---


def test_it_writes_in_the_persons_language(store: Store) -> None:
    writer, person = PlainWriter(), _person(store, language="es")
    with store.write() as db:
        enqueue(db, writer, _note(person), sender=SENDER, now=NOW)
    assert writer.written == ["sign_in es ana"]
    assert _row(store).recipient == "ana@example.com"


def test_it_says_a_thing_once(store: Store) -> None:
    person = _person(store)
    for expected in (True, False):
        with store.write() as db:
            row = enqueue(db, PlainWriter(), _note(person), sender=SENDER, now=NOW)
            assert (row is not None) is expected
    assert len(_rows(store)) == 1


def test_two_processes_that_say_the_same_at_once_say_it_once(store: Store) -> None:
    person = _person(store)
    both_looked = threading.Barrier(2, timeout=60)
    outcomes: list[bool] = []

    class Waiting(PlainWriter):
        def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
            # On SQLite the second waits for the first to commit, so nobody meets here.
            if store.engine.dialect.name == "postgresql":
                both_looked.wait()
            return super().write(template, language, facts)

    def run() -> None:
        with store.write() as db:
            outcomes.append(enqueue(db, Waiting(), _note(person), sender=SENDER, now=NOW) is not None)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]
    assert len(_rows(store)) == 1


def test_a_mail_and_what_it_tells_of_happen_together_or_not_at_all(store: Store) -> None:
    person = _person(store)

    def act() -> None:
        with store.write() as db:
            enqueue(db, PlainWriter(), _note(person), sender=SENDER, now=NOW)
            raise PowerCutError

    with pytest.raises(PowerCutError):
        act()
    assert _rows(store) == []


def test_it_refuses_a_sender_that_is_none(store: Store) -> None:
    person = _person(store)
    with pytest.raises(BadInput), store.write() as db:
        enqueue(db, PlainWriter(), _note(person), sender="Cadencia", now=NOW)


# --- sending ---


def test_it_sends_what_is_due_oldest_first(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    mailer = FakeMailer()
    report = send_due(store, mailer, NOW)
    assert [who for who, _ in mailer.sent] == ["ana@example.com", "luis@example.com"]
    assert (report.sent, report.recipients) == (2, ["ana@example.com", "luis@example.com"])
    assert [(r.state, r.sent_at) for r in _rows(store)] == [(OutboxState.SENT, NOW)] * 2


@pytest.mark.parametrize("template", ["sign_in", "invitation", "invitation_off"])
def test_what_somebody_waits_for_leaves_before_all_reminders(store: Store, template: str) -> None:
    person = _person(store)
    with store.write() as db:
        for number in range(200):
            _enqueue(db, person, "nudge", number, NOW - timedelta(days=2))
        _enqueue(db, person, template, 1, NOW)
        _enqueue(db, person, template, 2, NOW)
    send_due(store, FakeMailer(), NOW, limit=2)
    assert [row.kind for row in _rows(store) if row.state is OutboxState.SENT] == [template] * 2


def test_to_take_the_next_mail_does_not_sort_all_that_wait(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        return  # without statistics it takes another index, and is as fast
    _put(store)
    plans: list[str] = []

    def explain(_connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("UPDATE outbox") and "LIMIT" in statement:
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is small here
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append(str(cursor.fetchall()))

    event.listen(store.engine, "before_cursor_execute", explain)
    send_due(store, FakeMailer(), NOW)
    assert ["ix_outbox_waiting" in plan and "Sort" not in plan for plan in plans] == [True, True]


def _enqueue(db: OrmSession, person: Person, template: str, number: int, at: datetime) -> None:
    note = Note(template, person, {"name": "Ana"}, f"{template}/{number}")
    enqueue(db, PlainWriter(), note, sender=SENDER, now=at)


def test_it_sends_no_more_than_it_was_asked_to(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    assert send_due(store, FakeMailer(), NOW, limit=1).sent == 1


def test_what_was_sent_stays_sent(store: Store) -> None:
    _put(store)
    mailer = FakeMailer()
    for hours in (0, 1, 100):
        send_due(store, mailer, NOW + timedelta(hours=hours))
    assert len(mailer.sent) == 1


def test_a_mail_is_not_sent_before_it_is_due(store: Store) -> None:
    person = _person(store)
    with store.write() as db:
        _enqueue(db, person, "nudge", 1, NOW)
    assert send_due(store, FakeMailer(), NOW - timedelta(seconds=1)).sent == 0


def test_it_tries_again_later_with_the_same_bytes(store: Store) -> None:
    _put(store)
    before = _row(store).message
    report = send_due(store, FakeMailer(_later), NOW)
    row = _row(store)
    assert (report.retried, row.state, row.last_error) == (1, OutboxState.RETRY, "try later")
    assert row.due_at >= NOW + timedelta(seconds=60)
    assert send_due(store, FakeMailer(), NOW + timedelta(seconds=30)).sent == 0
    mailer = FakeMailer()
    send_due(store, mailer, row.due_at)
    assert mailer.sent == [("ana@example.com", before)]


def test_a_server_that_asks_for_more_time_gets_it(store: Store) -> None:
    _put(store)
    hours = ConnectorError("busy", code="rate_limited", retry_after_s=3 * 3600)
    send_due(store, FakeMailer(lambda _: hours), NOW)
    assert _row(store).due_at == NOW + timedelta(hours=3)


def test_a_final_no_is_a_dead_letter(store: Store) -> None:
    _put(store)
    report = send_due(store, FakeMailer(_never), NOW)
    assert report.failed == 1
    with store.read() as db:
        (dead,) = outbox.dead_letters(db)
    assert (dead.recipient, dead.last_error) == ("ana@example.com", "no such person")
    assert send_due(store, FakeMailer(), NOW + timedelta(days=9)).sent == 0


def test_after_many_attempts_it_gives_up_and_says_so(store: Store) -> None:
    _put(store)
    now, rounds = NOW, 0
    while _row(store).state != OutboxState.FAILED:
        now = max(now, _row(store).due_at)
        send_due(store, FakeMailer(_later), now)
        rounds += 1
    assert rounds == MAX_ATTEMPTS
    assert timedelta(days=1) < now - NOW < timedelta(days=3)


def test_one_bad_address_does_not_hold_up_the_others(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    mailer = FakeMailer(lambda to: _later(to) if to.startswith("ana") else None)
    report = send_due(store, mailer, NOW)
    assert (report.sent, report.retried, report.stopped) == (1, 1, None)


def test_a_server_out_of_reach_costs_one_attempt_not_one_for_each_mail(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    report = send_due(store, FakeMailer(_unreachable), NOW)
    assert (report.retried, report.stopped) == (1, "no answer")
    assert [r.attempts for r in _rows(store)] == [1, 0]


def _wrong_login(_recipient: str) -> ConnectorError:
    return AuthRevoked("refused the login", retry_after_s=60)


def test_while_the_server_is_out_of_reach_all_mail_waits(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    send_due(store, FakeMailer(_unreachable), NOW)
    mailer = FakeMailer()
    waiting = send_due(store, mailer, NOW + timedelta(seconds=59))
    assert (waiting.stopped, mailer.sent) == ("no answer", [])
    assert send_due(store, mailer, NOW + timedelta(seconds=90)).sent == 2
    with store.read() as db:
        assert db.get(LanePause, "mail") is None


def test_a_server_that_stays_away_is_asked_ever_more_rarely(store: Store) -> None:
    _put(store, *(f"p{n}@example.com" for n in range(9)))
    now, waits = NOW, []
    for _ in range(6):
        send_due(store, FakeMailer(_unreachable), now)
        with store.read() as db:
            pause = db.get_one(LanePause, "mail")
        waits.append((pause.until - now).total_seconds() / 60)
        now = pause.until
    assert waits == [1, 2, 4, 8, 15, 15]


def test_a_refused_login_is_not_repeated_for_a_quarter_of_an_hour(store: Store) -> None:
    _put(store)
    send_due(store, FakeMailer(_wrong_login), NOW)
    asked: list[str] = []
    send_due(store, FakeMailer(asked.append), NOW + timedelta(minutes=14))
    assert asked == []
    assert send_due(store, FakeMailer(), NOW + timedelta(minutes=15)).sent == 1


def test_a_mail_is_not_given_up_because_the_server_was_away(store: Store) -> None:
    _put(store)
    now = NOW
    for _ in range(MAX_ATTEMPTS + 2):
        send_due(store, FakeMailer(_unreachable), now)
        now = max(_row(store).due_at, now + timedelta(minutes=15))
    assert _row(store).state == OutboxState.RETRY
    send_due(store, FakeMailer(_unreachable), NOW + PATIENCE)
    assert _row(store).state == OutboxState.FAILED


def test_the_server_may_rest_after_each_batch(store: Store) -> None:
    mailer = FakeMailer()
    send_due(store, mailer, NOW)
    assert mailer.rests == 1


def test_two_senders_may_meet_the_same_silence(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")

    def meanwhile(recipient: str) -> ConnectorError:
        if recipient.startswith("ana"):
            send_due(store, FakeMailer(_unreachable), NOW)
        return _unreachable(recipient)

    assert send_due(store, FakeMailer(meanwhile), NOW).stopped == "no answer"


def test_waits_double_and_are_spread() -> None:
    waits = [[outbox.backoff_s(row, attempt) for row in range(50)] for attempt in (1, 2, 3, 40)]
    for low, high, spread in zip((48, 96, 192, 17280), (72, 144, 288, 25920), waits, strict=True):
        assert low <= min(spread) < max(spread) <= high
    assert len(set(waits[0])) == 50
    assert waits[0][0] == outbox.backoff_s(0, 1)


# --- dying on the way ---


def test_death_before_the_server_has_it_loses_nothing(store: Store) -> None:
    _put(store)
    with pytest.raises(PowerCutError):
        send_due(store, FakeMailer(lambda _: PowerCutError()), NOW)
    mailer = FakeMailer()
    assert send_due(store, mailer, NOW + LEASE / 2).sent == 0, "somebody may still be sending it"
    report = send_due(store, mailer, NOW + LEASE)
    assert (report.recovered, report.sent) == (1, 1)


def test_death_after_the_server_has_it_sends_the_same_mail_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(store)
    mailer = FakeMailer()
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_settle", _die)
        with pytest.raises(PowerCutError):
            send_due(store, mailer, NOW)
    assert _row(store).state == OutboxState.INFLIGHT
    send_due(store, mailer, NOW + LEASE)
    first, second = mailer.sent
    assert first == second, "the copy has the same Message-ID"
    assert _row(store).state == OutboxState.SENT


def _die(*_args: object) -> None:
    raise PowerCutError


def test_a_mail_that_kills_every_sender_is_given_up(store: Store) -> None:
    _put(store)
    for attempt in range(MAX_ATTEMPTS):
        with pytest.raises(PowerCutError):
            send_due(store, FakeMailer(lambda _: PowerCutError()), NOW + attempt * LEASE)
    mailer = FakeMailer()
    send_due(store, mailer, NOW + MAX_ATTEMPTS * LEASE)
    assert mailer.sent == []
    with store.read() as db:
        assert len(outbox.dead_letters(db)) == 1


def test_a_sender_that_slept_past_its_lease_changes_nothing(store: Store) -> None:
    _put(store)

    def sleep(_recipient: str) -> ConnectorError:
        send_due(store, FakeMailer(), NOW + LEASE)
        return _never(_recipient)

    send_due(store, FakeMailer(sleep), NOW)
    row = _row(store)
    assert (row.state, row.attempts) == (OutboxState.SENT, 2)


def test_a_sender_that_slept_has_no_say_while_another_is_sending(store: Store) -> None:
    _put(store)
    asleep, waking = threading.Event(), threading.Event()

    def sleep(recipient: str) -> ConnectorError:
        asleep.set()
        waking.wait(10)
        return _never(recipient)

    sleeper = threading.Thread(target=send_due, args=(store, FakeMailer(sleep), NOW))
    sleeper.start()
    asleep.wait(10)

    def wake_the_other(_recipient: str) -> None:
        waking.set()
        sleeper.join(10)
        assert _row(store).state == OutboxState.INFLIGHT

    send_due(store, FakeMailer(wake_the_other), NOW + LEASE)
    assert _row(store).state == OutboxState.SENT


def test_two_senders_at_once_never_take_the_same_mail(store: Store) -> None:
    _put(store, *(f"p{n}@example.com" for n in range(20)))
    together = threading.Barrier(2, timeout=60)
    mailers = [FakeMailer(), FakeMailer()]

    def run(mailer: FakeMailer) -> None:
        together.wait()
        send_due(store, mailer, NOW)

    threads = [threading.Thread(target=run, args=(m,)) for m in mailers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [who for mailer in mailers for who, _ in mailer.sent]
    assert sorted(taken) == sorted(f"p{n}@example.com" for n in range(20))


def test_a_mail_in_one_senders_hands_does_not_hold_up_another(store: Store) -> None:
    _put(store, "ana@example.com", "luis@example.com")
    other = FakeMailer()

    def meanwhile(_recipient: str) -> None:
        send_due(store, other, NOW)

    mailer = FakeMailer(meanwhile)
    send_due(store, mailer, NOW)
    assert [who for who, _ in mailer.sent] == ["ana@example.com"]
    assert [who for who, _ in other.sent] == ["luis@example.com"]


def test_a_mail_that_is_just_being_claimed_is_passed_over(fresh_database: str) -> None:
    # PostgreSQL alone: SQLite has one writer at a time. Whoever waits for a lock fails after two seconds.
    patience = make_url(fresh_database).update_query_dict({"options": "-c lock_timeout=2000"})
    store = Store(patience.render_as_string(hide_password=False))
    schema.upgrade(store)
    _put(store, "ana@example.com", "luis@example.com")
    mailer = FakeMailer()
    with store.write() as db:
        db.execute(select(OutboxMail.id).order_by(OutboxMail.id).limit(1).with_for_update())
        send_due(store, mailer, NOW, limit=1)
    assert [who for who, _ in mailer.sent] == ["luis@example.com"]
    store.close()


# --- looking after it ---


def test_a_person_may_ask_for_one_more_attempt(store: Store) -> None:
    _put(store)
    send_due(store, FakeMailer(_never), NOW)
    with store.write() as db:
        assert outbox.try_again(db, ["sign_in/ana@example.com", "no such"], NOW) == 1
    assert send_due(store, FakeMailer(), NOW).sent == 1


def test_nobody_gets_a_mail_that_lost_its_text(store: Store) -> None:
    _put(store)
    send_due(store, FakeMailer(_never), NOW)
    with store.write() as db:
        db.execute(update(OutboxMail).values(message=b""))
        assert outbox.try_again(db, ["sign_in/ana@example.com"], NOW) == 0


def test_it_tells_which_mail_waits_longest_however_often_it_was_put_off(store: Store) -> None:
    with store.read() as db:
        assert outbox.longest_waiting(db, outbox.IS_MAIL) is None
    _put(store)
    send_due(store, FakeMailer(_later), NOW)
    with store.read() as db:
        row = outbox.longest_waiting(db, outbox.IS_MAIL)
        assert row is not None
        assert (row.created_at, row.due_at > NOW) == (NOW, True)
        assert outbox.longest_waiting(db, outbox.IS_EVENT) is None
