"""The weekly digest from the database: who is in which list, in which week, and what the numbers say."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from tests.tracker.world import World, agreement, full, instant, single
from tracker.errors import BadInput, ConnectorError
from tracker.events import Attendee, CalendarEvent
from tracker.models import Agreement, Calendar, CalendarStatus, Person, Program, Session, Statement
from tracker.ports import Vault
from tracker.services.digest import building as digests
from tracker.services.digest.building import build_digest, find_programs, span_of
from tracker.services.digest.facts import Digest, UnreadKind
from tracker.services.review import review
from tracker.services.weeks import parse_week
from tracker.store import Store

MONDAY_AFTER = "2026-03-23 06:00"  # the week from 16 to 22 March, W12, is over
# The agreements' weeks begin on Mondays; with three days of grace, a Thursday belongs to one week alone.
THURSDAYS = ["2026-02-26", "2026-03-05", "2026-03-12", "2026-03-19"]


@dataclass
class Company:
    """A program whose pairs meet every week, with a calendar each, and everybody's answers."""

    world: World
    program_id: int
    pairs: dict[str, int] = field(default_factory=dict)
    calendars: dict[str, int] = field(default_factory=dict)

    def pair(self, name: str, *events: CalendarEvent, ends: str = "2026-06-28") -> None:
        """Add a pair `name`; the mentor's calendar, read on Sunday night, shows these entries."""
        mentor, mentee = self.world.person(f"{name}@example.com"), self.world.person(f"{name}.b@example.com")
        terms = agreement("2026-02-23", ends)
        terms.every = 1
        self.pairs[name] = self.world.pair(self.program_id, mentor, mentee, terms)
        self.calendars[name] = self.world.calendar(mentor)
        self.read(name, *events)

    def read(self, name: str, *events: CalendarEvent, at: str = "2026-03-23 01:00") -> None:
        """Read the mentor's calendar, which shows this."""
        mine = [_of(name, event) for event in events]
        self.world.sync(self.calendars[name], full(*mine), at)

    def answer(self, *, mentor: bool | None = True, mentee: bool | None = True) -> None:
        """Let everybody say of all their sessions whether they took place, an hour after each."""
        with self.world.store.write() as db:
            for session in db.query(Session).where(Session.ends_at < instant(MONDAY_AFTER)):
                words = {"mentor": mentor, "mentee": mentee}
                at = session.ends_at + timedelta(hours=1)
                said = [
                    Statement(session_id=session.id, side=side, at=at, held=held, via="site")
                    for side, held in words.items()
                    if held is not None
                ]
                db.add_all(said)

    def digest(self, week: str | None = "2026-W12", now: str = MONDAY_AFTER) -> Digest:
        """Review everybody, and build the digest."""
        review(self.world.store, instant(now), everyone=True)
        return self.build(week, now)

    def build(self, week: str | None = "2026-W12", now: str = MONDAY_AFTER) -> Digest:
        """Build the digest from what was reviewed."""
        with self.world.store.read() as db:
            program = db.get_one(Program, self.program_id)
            return build_digest(
                db, program, span_of(db, program, parse_week(week) if week else None, instant(now))
            )


def _of(name: str, event: CalendarEvent) -> CalendarEvent:
    two = (f"{name}@example.com", f"{name}.b@example.com")
    uid = f"{name} {event.uid}"
    return replace(
        event,
        uid=uid,
        lineage=uid,
        provider_event_id=uid,
        organiser=two[0],
        attendees=tuple(Attendee(a) for a in two),
    )


def meetings(*days: str) -> list[CalendarEvent]:
    """Return an hour on each day."""
    return [single(f"{day} 10:00", uid=day) for day in days]


AHEAD = meetings("2026-03-26")


@pytest.fixture
def company(store: Store, vault: Vault) -> Company:
    world = World(store, vault)
    return Company(world, world.program("Mentoring"))


def names(listed: object) -> list[str]:
    """Return the mentors' names of a list."""
    return [item.pair.mentor for item in listed.items]  # type: ignore[attr-defined]


# --- the lists ---


def test_everybody_is_in_the_one_list_that_matters_most(company: Company) -> None:
    company.pair("met", *meetings(*THURSDAYS), *AHEAD)
    company.pair("new", *meetings(*THURSDAYS[:2]), *AHEAD)
    company.pair("old", *meetings(THURSDAYS[0]), *AHEAD, ends="2026-03-15")
    company.pair("idle", *meetings(*THURSDAYS))
    company.answer()
    company.pair("open", *meetings(*THURSDAYS), *AHEAD)
    told = company.digest()
    assert names(told.new) == ["old", "new"]
    assert names(told.waiting) == ["open"]
    assert names(told.unscheduled) == ["idle"]
    assert (told.continuing.total, told.unread.total) == (0, 0)


def test_a_miss_is_new_in_one_week_and_old_in_the_next(company: Company) -> None:
    company.pair("ana", *meetings(*THURSDAYS[:2]), *AHEAD)
    company.answer()
    assert names(company.digest("2026-W12").new) == ["ana"]
    later = company.digest("2026-W13", "2026-03-24 06:00")
    assert names(later.continuing) == ["ana"]
    assert later.new.total == 0


def test_a_first_import_does_not_make_the_past_new(company: Company) -> None:
    company.pair("ana", *meetings(THURSDAYS[0]), *AHEAD)
    company.answer()
    told = company.digest("2026-W12")
    assert [p.first_on for p in told.new.items[0].periods] == [date(2026, 3, 9)]
    assert [p.first_on for p in company.build("2026-W11").new.items[0].periods] == [date(2026, 3, 2)]


def test_a_miss_that_no_calendar_showed_in_time_is_told_once_it_is_known(company: Company) -> None:
    company.pair("ana", *meetings(*THURSDAYS[:1]))
    company.answer()
    silent = update(Calendar).values(last_read_at=instant("2026-03-08 00:00"))
    with company.world.store.write() as db:
        db.execute(silent)
    early = company.digest("2026-W12")
    assert (early.new.total, early.continuing.total, early.unread.total) == (0, 0, 1)
    company.read("ana", *meetings(*THURSDAYS[:1]), at="2026-03-25 01:00")
    review(company.world.store, instant("2026-03-31 00:00"), everyone=True)
    weeks = {w: company.build(w, "2026-04-05 00:00").new for w in ("2026-W12", "2026-W13", "2026-W14")}
    found = {week: [p.first_on.day for m in new.items for p in m.periods] for week, new in weeks.items()}
    # Judged again on Tuesday the 31st, both are news of W14, two days after the two could hear of them. The
    # week from the 16th is not judged: it was open until the 26th, and the last reading was before.
    assert found == {"2026-W12": [], "2026-W13": [], "2026-W14": [2, 9]}


def test_a_past_week_is_told_as_it_was(company: Company) -> None:
    company.pair("ana", *meetings(*THURSDAYS[:2]))
    company.answer()
    company.digest()
    before = company.build("2026-W11")
    assert before.new.total == before.continuing.total == 0
    assert before.as_of == instant("2026-03-16 00:00")
    assert names(company.build("2026-W12").new) == ["ana"]


def test_the_list_is_cut_and_says_how_many_there_are(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(digests.MOST, "new", 2)
    monkeypatch.setattr(digests, "CHUNK", 2)
    for name, met in (("a", 2), ("b", 1), ("c", 0), ("d", 2), ("e", 1)):
        company.pair(name, *meetings(*THURSDAYS[:met]), *AHEAD)
    company.answer()
    told = company.digest()
    assert (told.new.total, told.new.more) == (5, 3)
    assert names(told.new) == ["c", "b"], "whoever missed most often in a row comes first"


def test_another_programs_pairs_are_not_told_of(company: Company) -> None:
    company.pair("ana", *AHEAD)
    other = Company(company.world, company.world.program("Other"))
    other.pair("ben", *meetings(*THURSDAYS), *AHEAD)
    other.answer()
    assert names(company.digest().new) == ["ana"]
    assert other.digest().is_quiet


# --- calendars that could not be read ---


def _change_calendar(company: Company, **values: object) -> None:
    with company.world.store.write() as db:
        db.execute(update(Calendar).values(**values))


@pytest.mark.parametrize(
    ("values", "kind", "since"),
    [
        ({"last_read_at": instant("2026-03-17 10:00"), "problem": "reconnect"}, UnreadKind.FAILING, 17),
        ({"last_read_at": None}, UnreadKind.NEVER, None),
        (
            {
                "status": CalendarStatus.DISCONNECTED,
                "disconnected_at": instant("2026-03-12 10:00"),
                "last_read_at": instant("2026-03-11 10:00"),
            },
            UnreadKind.TAKEN_AWAY,
            11,
        ),
    ],
)
def test_an_unread_calendar_is_told_of_and_nobody_accused(
    company: Company, values: dict[str, object], kind: UnreadKind, since: int | None
) -> None:
    company.pair("ana", *meetings(*THURSDAYS[:2]))
    company.answer()
    _change_calendar(company, **values)
    told = company.digest()
    (unread,) = told.unread.items
    assert (unread.name, unread.kind, unread.pairs) == ("ana", kind, 1)
    assert unread.since == (date(2026, 3, since) if since else None)
    assert told.unscheduled.total == 0


def test_a_pair_without_any_calendar_is_not_known(company: Company) -> None:
    mentor, mentee = company.world.person("ana@example.com"), company.world.person("ben@example.com")
    company.world.pair(company.program_id, mentor, mentee, agreement("2026-02-23"))
    told = company.digest()
    assert [(u.name, u.kind) for u in told.unread.items] == [
        ("ana", UnreadKind.NONE),
        ("ben", UnreadKind.NONE),
    ]


def test_one_calendar_for_several_pairs_is_told_once(company: Company) -> None:
    company.pair("ana", *meetings(*THURSDAYS))
    with company.world.store.read() as db:
        mentor = db.query(Person).where(Person.email == "ana@example.com").one().id
    other = company.world.person("cleo@example.com")
    company.world.pair(company.program_id, mentor, other, agreement("2026-02-23"))
    _change_calendar(company, last_read_at=None, problem="unreachable")
    (unread,) = company.digest().unread.items
    assert (unread.name, unread.pairs, unread.problem) == ("ana", 2, "unreachable")


def test_a_partner_whose_calendar_is_read_is_not_blamed_for_the_other(company: Company) -> None:
    company.pair("ana", *meetings(*THURSDAYS))
    with company.world.store.read() as db:
        mentee = db.query(Person).where(Person.email == "ana.b@example.com").one().id
    other = company.world.calendar(mentee)
    company.world.sync(other, ConnectorError("gone"), "2026-03-22 10:00")
    (unread,) = company.digest().unread.items
    assert (unread.name, unread.kind) == ("ana.b", UnreadKind.NEVER)


# --- numbers ---


def test_it_counts_sessions_now_and_a_week_before(company: Company) -> None:
    company.pair("met", *meetings(*THURSDAYS), *AHEAD)
    company.pair("new", *meetings(*THURSDAYS[:2]), *AHEAD)
    company.answer()
    numbers = company.digest().numbers
    assert (numbers.due, numbers.met, numbers.due_before, numbers.met_before) == (7, 6, 5, 5)
    assert (numbers.percent, numbers.change) == (86, -14)
    assert (numbers.newly_met, numbers.newly_missed) == (1, 1)
    assert (numbers.pairs, dict(numbers.health)) == (2, {"on_track": 1, "at_risk": 1})


def test_pairs_of_the_past_stay_in_the_numbers(company: Company) -> None:
    company.pair("gone", *meetings(*THURSDAYS[:1]), ends="2026-03-08")
    company.answer()
    early = company.digest().numbers
    assert (early.due, early.met) == (2, 1)
    late = company.build("2026-W22", "2026-06-01 06:00")
    assert (late.numbers.pairs, late.numbers.due, late.numbers.met, late.numbers.change) == (0, 2, 1, 0)
    assert late.is_empty


# --- which week, which program ---


def _span(company: Company, week: str | None, now: str) -> digests.Span:
    with company.world.store.read() as db:
        program = db.get_one(Program, company.program_id)
        return span_of(db, program, parse_week(week) if week else None, instant(now))


def test_on_monday_it_is_last_week_that_is_told(company: Company) -> None:
    span = _span(company, None, "2026-03-23 06:00")
    assert (span.week.name, span.is_whole, span.as_of) == ("2026-W12", True, instant("2026-03-23 00:00"))


def test_on_friday_it_is_this_week_so_far(company: Company) -> None:
    span = _span(company, None, "2026-03-20 06:00")
    assert (span.week.name, span.is_whole, span.as_of) == ("2026-W12", False, instant("2026-03-20 06:00"))


def test_a_week_to_come_can_not_be_told(company: Company) -> None:
    with pytest.raises(BadInput, match="2026-W13 has not begun yet"):
        _span(company, "2026-W13", "2026-03-20 06:00")


def test_weeks_begin_where_most_of_the_pairs_are(company: Company) -> None:
    def terms(zone: str) -> Agreement:
        return agreement("2026-02-23", timezone=zone)

    for number, zone in enumerate(["America/Bogota", "Europe/Rome", "America/Bogota"]):
        mentor, mentee = (company.world.person(f"{who}{number}@example.com") for who in "ab")
        company.world.pair(company.program_id, mentor, mentee, terms(zone))
    span = _span(company, "2026-W12", "2026-03-23 06:00")
    assert (span.timezone, span.as_of) == ("America/Bogota", instant("2026-03-23 05:00"))


def test_a_program_is_found_by_its_name(company: Company) -> None:
    company.world.program("Mentoría")
    with company.world.store.read() as db:
        assert [p.name for p in find_programs(db)] == ["Mentoring", "Mentoría"]
        assert [p.name for p in find_programs(db, " MENTORIA ")] == ["Mentoría"]
        with pytest.raises(BadInput, match="Programs: Mentoring, Mentoría"):
            find_programs(db, "Mentor")


def test_a_digest_of_nobody_is_empty(company: Company) -> None:
    assert company.build().is_empty
