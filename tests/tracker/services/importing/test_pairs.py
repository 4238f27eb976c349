"""Importing pairs and what they agreed: all or nothing, idempotent, never two agreements at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from integrations.vault import FernetVault
from tracker.errors import BadInput
from tracker.models import Agreement, AuditEntry, Calendar, Pair, Person, Program
from tracker.services.audit import Act
from tracker.services.importing.pairs import import_pairs
from tracker.services.importing.people import Imported, import_people
from tracker.services.importing.tables import File
from tracker.store import Store

NOW = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PEOPLE = (
    "email,name,aliases,calendar\na@x.com,Ana,ana@y.com,https://x.example/a\nb@x.com,Bea,,https://x.example/b\n"
    "c@x.com,Cleo,,\n"
)
HEAD = "program,mentor,mentee,timezone,starts_on,ends_on,cadence\n"
ROW = "Líderes,a@x.com,b@x.com,Europe/Madrid,2026-01-12,2026-06-28,biweekly\n"


class Office:
    """Imports files as the command does."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def take(self, rows: str, now: datetime = NOW) -> Imported:
        with self.store.write() as db:
            return import_pairs(db, File("pairs.csv", (HEAD + rows).encode()), Act(None, "command", now))

    def refuse(self, rows: str) -> list[str]:
        with pytest.raises(BadInput) as caught:
            self.take(rows)
        return caught.value.problems

    def agreements(self) -> list[tuple[date, date, int, int, str]]:
        with self.store.read() as db:
            rows = db.scalars(select(Agreement).order_by(Agreement.pair_id, Agreement.starts_on))
            return [(a.starts_on, a.ends_on, a.sessions, a.every, a.unit) for a in rows]

    def pair(self) -> Pair:
        with self.store.read() as db:
            return db.scalars(select(Pair)).one()

    def settle(self) -> None:
        """Pretend that everything was judged and read, and nothing is due."""
        with self.store.write() as db:
            for pair in db.scalars(select(Pair)):
                pair.review_due_at = None
            for calendar in db.scalars(select(Calendar)):
                calendar.next_read_at = None

    def calendars_due(self) -> int:
        with self.store.read() as db:
            query = select(func.count()).where(Calendar.next_read_at == LATER)
            return db.scalar(query) or 0


@pytest.fixture
def office(store: Store, vault: FernetVault) -> Office:
    with store.write() as db:
        import_people(db, vault, File("people.csv", PEOPLE.encode()), Act(None, "command", NOW))
    return Office(store)


def test_it_imports_what_two_people_agreed(office: Office) -> None:
    assert office.take(ROW).added == 1
    assert office.agreements() == [(date(2026, 1, 12), date(2026, 6, 28), 1, 2, "week")]
    with office.store.read() as db:
        pair = db.scalars(select(Pair)).one()
        assert (pair.program.name, pair.mentor.email, pair.mentee.email) == ("Líderes", "a@x.com", "b@x.com")
    assert pair.review_due_at == NOW


def test_the_same_file_again_changes_and_writes_nothing(office: Office) -> None:
    office.take(ROW)
    office.settle()
    written: list[str] = []

    def watch(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement)

    event.listen(office.store.engine, "before_cursor_execute", watch)
    assert office.take(ROW, LATER).unchanged == 1
    assert written == []


def test_people_are_found_by_any_of_their_addresses_and_named_ones_too(office: Office) -> None:
    office.take(ROW)
    assert office.take(ROW.replace("a@x.com", "Ana Núñez <ANA@y.com>")).unchanged == 1


def test_a_program_is_the_same_whatever_its_case_and_accents(office: Office) -> None:
    office.take(ROW)
    assert office.take(ROW.replace("Líderes", "LIDERES")).unchanged == 1
    assert office.take(ROW.replace("Líderes", "Otro programa")).added == 1
    with office.store.read() as db:
        assert sorted(db.scalars(select(Program.name))) == ["Líderes", "Otro programa"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("biweekly", "weekly"), ("2026-06-28", "2026-07-05"), ("Europe/Madrid", "America/Bogota")],
)
def test_the_same_first_day_changes_the_agreement_and_makes_the_pair_due(
    office: Office, old: str, new: str
) -> None:
    office.take(ROW)
    office.settle()
    version = office.pair().evidence_version
    assert office.take(ROW.replace(old, new), LATER).changed == 1
    pair = office.pair()
    assert (pair.review_due_at, pair.evidence_version) == (LATER, version + 1)
    assert office.calendars_due() == 2
    with office.store.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.act == "agreement.changed")).one()
    assert (entry.subject, entry.at) == (f"pair:{pair.id}", LATER)


def test_one_agreement_may_follow_another(office: Office) -> None:
    office.take(ROW)
    office.settle()
    both = ROW.replace("2026-06-28", "2026-03-31") + ROW.replace("2026-01-12", "2026-04-01").replace(
        "biweekly", "monthly"
    )
    done = office.take(both, LATER)
    assert (done.added, done.changed) == (1, 1)
    assert [a[:2] for a in office.agreements()] == [
        (date(2026, 1, 12), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 28)),
    ]
    assert office.pair().review_due_at == LATER


def test_agreements_that_overlap_are_refused_within_a_file_and_with_what_is_known(office: Office) -> None:
    later = ROW.replace("2026-01-12", "2026-06-28").replace("-06-28,biweekly", "-12-31,biweekly")
    (within,) = office.refuse(ROW + later)
    assert within.startswith("pairs.csv, line 3, starts_on")
    assert "line 2" in within
    office.take(ROW)
    (known,) = office.refuse(later)
    assert known.startswith("pairs.csv, line 2, starts_on")
    assert "in the database" in known
    assert len(office.agreements()) == 1


def test_a_change_that_reaches_into_the_next_agreement_is_refused(office: Office) -> None:
    office.take(ROW.replace("2026-06-28", "2026-03-31") + ROW.replace("2026-01-12", "2026-04-01"))
    (problem,) = office.refuse(ROW)
    assert problem.startswith("pairs.csv, line 2, starts_on")


def test_every_bad_line_is_named_and_nothing_is_taken(office: Office) -> None:
    rows = [
        ROW,
        "P,a@x.com,nobody@x.com,Europe/Madrid,2026-01-12,2026-06-28,weekly",
        "P,a@x.com,ana@y.com,Europe/Madrid,2026-01-12,2026-06-28,weekly",
        "P,a@x.com,c@x.com,Europe/Madird,02/03/2026,2026-06-28,now and then",
        "P,a@x.com,c@x.com,Europe/Madrid,2026-06-28,2026-01-12,weekly",
        "P,a@x.com,c@x.com,Europe/Madrid,2026-06-28,2226-01-12,weekly",
        "P,a@x.com,c@x.com,Europe/Madrid,2026-06-28,2090-01-12,weekly",
        ",,,,,,",
        ROW.strip(),
        "P,a@x.com,,Europe/Madrid,2026-01-12,2026-06-28,weekly",
    ]
    problems = office.refuse("".join(row.strip() + "\n" for row in rows))
    assert [p.partition(":")[0] for p in problems] == [
        "pairs.csv, line 3, mentee",
        "pairs.csv, line 4, mentee",
        "pairs.csv, line 5, timezone",
        "pairs.csv, line 5, starts_on",
        "pairs.csv, line 5, cadence",
        "pairs.csv, line 6, ends_on",
        "pairs.csv, line 7, ends_on",
        "pairs.csv, line 8, ends_on",
        "pairs.csv, line 10, starts_on",
        "pairs.csv, line 11, mentee",
    ]
    assert office.agreements() == []
    with office.store.read() as db:
        assert db.scalar(select(func.count()).select_from(Program)) == 0


def test_columns_of_check_are_noted_not_taken(store: Store, office: Office) -> None:
    text = HEAD.strip() + ",mentor_calendar\n" + ROW.strip() + ",https://x.example/z\n"
    with store.write() as db:
        done = import_pairs(db, File("pairs.csv", text.encode()), Act(None, "command", NOW))
        assert "cadencia check" in done.notes[0]
        assert db.scalar(select(func.count()).select_from(Calendar)) == 2


def test_many_pairs_take_few_statements(store: Store, vault: FernetVault) -> None:
    people = "email,name\n" + "".join(f"p{i}@x.com,P\n" for i in range(1200))
    rows = "".join(
        f"P,p{i}@x.com,p{i + 600}@x.com,Europe/Madrid,2026-01-12,2026-06-28,weekly\n" for i in range(600)
    )
    with store.write() as db:
        import_people(db, vault, File("people.csv", people.encode()), Act(None, "command", NOW))
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    office = Office(store)
    assert office.take(rows).added == 600
    assert office.take(rows).unchanged == 600
    assert len(statements) < 60
    with store.read() as db:
        pair = db.scalars(
            select(Pair).join(Person, Person.id == Pair.mentor_id).where(Person.email == "p7@x.com")
        )
        assert pair.one().mentee.email == "p607@x.com"
