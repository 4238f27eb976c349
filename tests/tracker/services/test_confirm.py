"""What the two say of their sessions is taken down, once each, and from nobody else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.web.company import Company, Duo, utc
from tracker.errors import BadInput, NotAllowed
from tracker.models import AuditEntry, Pair, Session, Standing, Statement
from tracker.services.audit import Act
from tracker.services.confirm import (
    AlreadyKnown,
    Told,
    confirm_session,
    tell_session,
    withdraw_statement,
)

NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def session(company: Company, duo: Duo) -> Session:
    """Yesterday's session."""
    return company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-17"), "confirmed"))


def act(company: Company) -> Act:
    return Act(None, "site", company.now)


def statements(company: Company) -> list[tuple[str, bool, list[str]]]:
    with company.ports.store.read() as db:
        rows = db.scalars(select(Statement).order_by(Statement.id))
        return [(row.side, row.held, row.absent) for row in rows]


def confirm(
    company: Company, session: Session, duo: Duo, *, held: bool, absent: frozenset[str] = NOBODY
) -> None:
    with company.ports.store.write() as db:
        confirm_session(db, session.id, by=duo.mentor, held=held, absent=absent, act=act(company))


def test_it_records_what_a_side_said(company: Company, duo: Duo, session: Session) -> None:
    confirm(company, session, duo, held=False, absent=frozenset({"mentee"}))
    assert statements(company) == [("mentor", False, ["mentee"])]


def test_saying_the_same_twice_changes_nothing(company: Company, duo: Duo, session: Session) -> None:
    confirm(company, session, duo, held=True)
    confirm(company, session, duo, held=True)
    assert statements(company) == [("mentor", True, [])]


def test_a_changed_mind_is_a_further_statement(company: Company, duo: Duo, session: Session) -> None:
    confirm(company, session, duo, held=True)
    confirm(company, session, duo, held=False)
    assert statements(company) == [("mentor", True, []), ("mentor", False, [])]


def test_an_answer_makes_the_pair_due_and_is_audited(company: Company, duo: Duo, session: Session) -> None:
    company.review()
    confirm(company, session, duo, held=True)
    with company.ports.store.read() as db:
        pair = db.get_one(Pair, duo.pair.id)
        entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert pair.review_due_at == company.now
    assert entry
    assert (entry.act, entry.subject) == ("statement.made", f"session:{session.id}")


def test_who_entered_it_is_kept(company: Company, duo: Duo, session: Session) -> None:
    hr = company.person("Marta Gil", is_hr=True)
    with company.ports.store.write() as db:
        made = confirm_session(
            db, session.id, by=duo.mentee, held=True, absent=NOBODY, act=Act(hr.id, "site", company.now)
        )
    assert (made.side, made.entered_by) == ("mentee", hr.id)


def test_a_session_that_has_not_begun_is_not_spoken_of(company: Company, duo: Duo) -> None:
    later = company.meeting(duo.pair, duo.calendars, (utc("11-01"), utc("11-24"), "confirmed"))
    with pytest.raises(BadInput, match="not begun"):
        confirm(company, later, duo, held=True)


@pytest.mark.parametrize(
    ("held", "absent"), [(True, {"mentee"}), (False, {"neighbour"})], ids=["held and absent", "not a side"]
)
def test_an_answer_that_contradicts_itself_is_refused(
    company: Company, duo: Duo, session: Session, held: bool, absent: set[str]
) -> None:
    with pytest.raises(BadInput):
        confirm(company, session, duo, held=held, absent=frozenset(absent))
    assert statements(company) == []


def test_nobody_else_speaks(company: Company, duo: Duo, session: Session) -> None:
    stranger = company.person("Eva Sol", is_hr=True)
    with company.ports.store.write() as db, pytest.raises(NotAllowed):
        confirm_session(db, session.id, by=stranger, held=True, absent=NOBODY, act=act(company))


@pytest.mark.parametrize("standing", [Standing.SUGGESTED, Standing.DISMISSED])
def test_what_does_not_count_is_not_spoken_of(
    company: Company, duo: Duo, session: Session, standing: Standing
) -> None:
    with company.ports.store.write() as db:
        db.get_one(Session, session.id).standing = standing
    with pytest.raises(NotAllowed):
        confirm(company, session, duo, held=True)


def test_what_was_said_before_counts_again(company: Company, duo: Duo, session: Session) -> None:
    confirm(company, session, duo, held=True)
    confirm(company, session, duo, held=False)
    with company.ports.store.write() as db:
        assert withdraw_statement(db, session.id, by=duo.mentor, act=act(company))
    assert statements(company) == [("mentor", True, [])]


def test_the_other_ones_word_is_not_taken_back(company: Company, duo: Duo, session: Session) -> None:
    confirm(company, session, duo, held=True)
    with company.ports.store.write() as db:
        assert not withdraw_statement(db, session.id, by=duo.mentee, act=act(company))
    assert statements(company) == [("mentor", True, [])]


def tell(company: Company, duo: Duo, told: Told) -> Session:
    with company.ports.store.write() as db:
        return tell_session(db, duo.pair.id, told, by=duo.mentee, act=act(company))


def test_a_session_without_an_entry_is_told(company: Company, duo: Duo) -> None:
    made = tell(company, duo, Told(utc("11-10"), 30))
    assert (made.told_by, made.ends_at - made.starts_at) == (duo.mentee.id, timedelta(minutes=30))
    assert statements(company) == [("mentee", True, [])]


def test_being_alone_there_is_no_session(company: Company, duo: Duo) -> None:
    tell(company, duo, Told(utc("11-10"), 30, frozenset({"mentor"})))
    assert statements(company) == [("mentee", False, ["mentor"])]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (Told(utc("11-19"), 30), "still to come"),
        (Told(utc("08-09"), 30), "outside"),
        (Told(utc("11-10"), 4), "between 5 minutes"),
        (Told(utc("11-10"), 481), "between 5 minutes"),
    ],
    ids=["tomorrow", "before the agreement", "too short", "too long"],
)
def test_what_can_not_be_is_not_told(company: Company, duo: Duo, told: Told, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        tell(company, duo, told)


def test_a_session_at_that_time_is_named(company: Company, duo: Duo, session: Session) -> None:
    with pytest.raises(AlreadyKnown) as caught:
        tell(company, duo, Told(utc("11-17", 15, 30), 30))
    assert caught.value.session_id == session.id


def test_a_session_right_after_another_is_no_twin(company: Company, duo: Duo, session: Session) -> None:
    assert tell(company, duo, Told(session.ends_at, 30)).id != session.id
