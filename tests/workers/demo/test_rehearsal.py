"""The sample company on the real path: import, sync, statements, review, digest; what must not be in it."""

import email
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from integrations.registry import Ports
from tests.workers.demo.test_company import EVERY_VERDICT
from tracker.clock import FixedClock
from tracker.ledger import Health, Ledger, Outcome, decode_ledger
from tracker.models import (
    Absence,
    BookingState,
    Calendar,
    Copy,
    Goal,
    LedgerRow,
    Pair,
    Remark,
    Session,
    Standing,
    Statement,
)
from tracker.services.bookings import list_booked
from workers.demo.cast import CAST, DEMO_MENTEE, DEMO_MENTOR, OFFICES
from workers.demo.company import MOVED, STALE, Company, make_company
from workers.demo.deeds import ACCEPTED, ASKED, WORDS
from workers.demo.folder import write_tables
from workers.demo.plot import Plot
from workers.demo.rehearsal import rehearse, working_moments
from workers.demo.report import mails_of, send_mails
from workers.demo.stage import set_stage

NOW = datetime(2026, 11, 18, 15, 20, tzinfo=UTC)  # a Wednesday
OTHERS = [
    datetime(2026, 1, 1, 0, 30, tzinfo=UTC),  # New Year
    datetime(2027, 3, 28, 22, 30, tzinfo=UTC),  # Easter Sunday, and Madrid changes its clocks
]


@dataclass(frozen=True)
class Played:
    """What is there after the demo, and what it logged."""

    company: Company
    ports: Ports
    folder: Path
    log: str

    def ledgers(self) -> list[Ledger]:
        with self.ports.store.read() as db:
            return [decode_ledger(row.document) for row in db.scalars(select(LedgerRow))]

    def plot(self, mentor: str, mentee: str) -> tuple[Plot, int]:
        plot = next(p for p in self.company.plots if (p.mentor.name, p.mentee.name) == (mentor, mentee))
        with self.ports.store.read() as db:
            pairs = db.scalars(select(Pair))
            ids = [p.id for p in pairs if (p.mentor.name, p.mentee.name) == (mentor, mentee)]
        return plot, ids[0]

    def ledger_of(self, mentor: str, mentee: str) -> Ledger:
        name = f"p-{self.plot(mentor, mentee)[1]}"
        return next(ledger for ledger in self.ledgers() if ledger.pair == name)

    def mails(self) -> list[str]:
        texts = []
        for path in (self.folder / "outbox").glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
            texts.append("\n".join([str(mail["Subject"]), *parts]))
        return texts


class Kept(logging.Handler):
    """Keeps what was logged, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def play(folder: Path, now: datetime) -> Played:
    company = make_company(now)
    ports = set_stage(folder, "http://127.0.0.1:8000", FixedClock(now))
    with kept_log() as kept:
        write_tables(company, folder)
        rehearse(ports, company, folder, kept.lines.append)
        send_mails(ports, now)
    return Played(company, ports, folder, "\n".join(kept.lines))


@contextmanager
def kept_log() -> Iterator[Kept]:
    kept, ours = Kept(), [logging.getLogger(room) for room in ("tracker", "integrations", "workers")]
    for logger in ours:
        logger.addHandler(kept)
        logger.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        for logger in ours:
            logger.removeHandler(kept)
            logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    played = play(tmp_path_factory.mktemp("played") / "demo", NOW)
    yield played
    played.ports.store.close()


def check_everything_is_there(ledgers: list[Ledger]) -> None:
    assert {(p.verdict, p.reason) for ledger in ledgers for p in ledger.periods} == EVERY_VERDICT
    healths = Counter(ledger.health for ledger in ledgers)
    assert set(healths) == set(Health)
    assert 13 <= healths[Health.ON_TRACK] <= 17


def test_every_verdict_and_health_is_there(played: Played) -> None:
    check_everything_is_there(played.ledgers())


@pytest.mark.parametrize("now", OTHERS, ids=str)
def test_every_verdict_and_health_is_there_at_other_times(now: datetime, tmp_path: Path) -> None:
    other = play(tmp_path / "demo", now)
    try:
        check_everything_is_there(other.ledgers())
    finally:
        other.ports.store.close()


def test_no_title_or_place_reaches_database_log_or_mail(played: Played) -> None:
    looks = [meeting.look for meeting in (*played.company.tagged, *played.company.ordinary)]
    secrets = {text for look in looks for text in (look.title, look.place, look.note) if text}
    assert len(secrets) > 60
    stored = b"".join(path.read_bytes() for path in played.folder.glob("cadencia.sqlite*"))
    assert len(stored) > 100_000
    assert not [secret for secret in secrets if secret.encode() in stored]
    said = played.log + "\n".join(played.mails())
    assert not [secret for secret in secrets if secret in said]


def test_only_one_calendar_can_not_be_read(played: Played) -> None:
    with played.ports.store.read() as db:
        broken = db.scalars(select(Calendar).where(Calendar.problem.is_not(None))).all()
        assert [(c.person.name, c.problem) for c in broken] == [(STALE, "not_a_calendar")]


def test_every_statement_found_its_session(played: Played) -> None:
    made = sum(said.at <= NOW for plot in played.company.plots for said in plot.said)
    with played.ports.store.read() as db:
        stored = db.scalars(select(Statement)).all()
        assert len(stored) == made > 250
        assert {statement.via for statement in stored} == {"site"}


def test_a_moved_series_moved_its_sessions(played: Played) -> None:
    plot, pair_id = played.plot(*MOVED)
    first, second = (m for m in plot.meetings if m.repeat)
    with played.ports.store.read() as db:
        starts = db.scalars(select(Session.starts_at).where(Session.pair_id == pair_id)).all()
    assert len(starts) == len(plot.term.starts)
    weekday = second.history[0].start.weekday()
    assert weekday != first.history[0].start.weekday()
    ahead = [start for start in starts if start >= second.history[0].start]
    assert len(ahead) >= 3
    assert {start.astimezone(plot.zone).weekday() for start in ahead} == {weekday}


def test_mentor_and_mentee_have_questions_to_answer(played: Played) -> None:
    with played.ports.store.read() as db:
        suggested = db.scalars(select(Session).where(Session.standing == Standing.SUGGESTED)).all()
        asked = {name for s in suggested for name in (s.pair.mentor.name, s.pair.mentee.name)}
        assert {DEMO_MENTOR, DEMO_MENTEE} <= asked
        unplaced = db.scalars(select(Copy).where(Copy.asks_pair)).all()
        assert [copy.calendar.person.name for copy in unplaced] == [DEMO_MENTOR]
    for mentor, mentee in ((DEMO_MENTOR, "Camila Ospina"), ("Marcus Oyelaran", DEMO_MENTEE)):
        outcomes = [s.outcome for s in played.ledger_of(mentor, mentee).sessions]
        assert Outcome.AWAITING in outcomes


def test_the_digest_tells_of_a_new_miss_and_of_the_calendar(played: Played) -> None:
    mails = "\n".join(played.mails())
    assert "Milagros Acuña" in mails
    assert CAST[STALE].name in mails


def test_a_date_that_was_accepted_is_in_the_calendars_and_one_asked_for_just_now_in_none(
    played: Played,
) -> None:
    def booked(names: tuple[str, str]) -> list[tuple[BookingState, bool]]:
        with played.ports.store.read() as db:
            found = list_booked(db, played.plot(*names)[1], NOW)
        return [(each.state, each.session_id is not None) for each in found]

    assert booked(ACCEPTED) == [(BookingState.WRITTEN, True)]
    assert booked(ASKED) == [(BookingState.WRITTEN, False)]


def test_a_date_that_was_accepted_is_a_session_like_any_other(played: Played) -> None:
    plot, pair_id = played.plot(*ACCEPTED)
    start = plot.usual(plot.term.current + 2)
    with played.ports.store.read() as db:
        sessions = db.scalars(select(Session).where(Session.pair_id == pair_id, Session.starts_at == start))
        assert len(sessions.all()) == 1


@pytest.mark.parametrize("now", [NOW, *OTHERS], ids=str)
def test_people_are_reminded_in_working_time(now: datetime) -> None:
    moments = working_moments(now - timedelta(days=7), now)
    assert len(moments) == 5
    for moment, office in product(moments, OFFICES.values()):
        local = moment.astimezone(ZoneInfo(office.timezone))
        assert local.weekday() < 5
        assert 8 <= local.hour < 20


def test_there_are_letters_of_every_kind(played: Played) -> None:
    for kind in ("digest", "nudge", "invitation"):
        assert mails_of(played.folder, kind)


def test_hr_reads_what_the_two_say_of_a_miss(played: Played) -> None:
    with played.ports.store.read() as db:
        assert sorted(r.text for r in db.scalars(select(Remark))) == sorted(word.text for word in WORDS)
    assert any(WORDS[0].text in mail for mail in played.mails())


def test_a_mentee_is_away_and_a_pair_pauses_for_days_ahead(played: Played) -> None:
    with played.ports.store.read() as db:
        ahead = db.scalars(select(Absence).where(Absence.starts_on > NOW.date())).all()
    assert {absence.kind for absence in ahead} >= {"leave", "pause"}


def test_pairs_have_goals(played: Played) -> None:
    with played.ports.store.read() as db:
        goals = db.scalars(select(Goal)).all()
        assert len(goals) >= 6
        assert any(m.done_on for goal in goals for m in goal.milestones)
