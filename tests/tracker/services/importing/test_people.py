"""Importing people: all or nothing, idempotent, and every bad line named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from integrations.vault import FernetVault
from tracker.errors import BadInput
from tracker.models import (
    AuditEntry,
    Calendar,
    CalendarStatus,
    Pair,
    Person,
    PersonAddress,
    Program,
    Provider,
)
from tracker.services.audit import Act
from tracker.services.importing.people import Imported, find_people, import_people
from tracker.services.importing.tables import File
from tracker.store import Store

FOLDER = Path("/srv/lists")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
FULL = (
    "email,name,timezone,language,country,calendar,aliases,department,manager,roles\n"
    "Ana@X.com,Ana Núñez,Europe/Madrid,es-CO,ES-MD,https://cal.example/ana.ics,ana@y.com a@z.com,"
    "Sales,boss@x.com,hr admin\n"
    "luis@x.com,Luis,america/bogota,ES,co,cal/luis.ics,,,,\n"
)


class Office:
    """Imports files as the command does."""

    def __init__(self, store: Store, vault: FernetVault) -> None:
        self.store = store
        self.vault = vault

    def take(self, text: str, now: datetime = NOW, folder: Path | None = FOLDER) -> Imported:
        with self.store.write() as db:
            return import_people(
                db, self.vault, File("people.csv", text.encode(), folder), Act(None, "command", now)
            )

    def refuse(self, text: str) -> list[str]:
        with pytest.raises(BadInput) as caught:
            self.take(text)
        return caught.value.problems

    def person(self, email: str) -> Person:
        with self.store.read() as db:
            return db.scalars(select(Person).where(Person.email == email)).one()

    def calendars(self, email: str) -> list[tuple[Provider, str, CalendarStatus]]:
        with self.store.read() as db:
            query = select(Calendar).join(Person).where(Person.email == email).order_by(Calendar.id)
            return [
                (c.provider, self.vault.open(c.address, c.address_binding), c.status)
                for c in db.scalars(query)
            ]

    def acts(self) -> list[tuple[str, str]]:
        with self.store.read() as db:
            return [(e.act, e.subject) for e in db.scalars(select(AuditEntry).order_by(AuditEntry.id))]

    def count(self, table: type) -> int:
        with self.store.read() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def office(store: Store, vault: FernetVault) -> Office:
    return Office(store, vault)


def test_it_imports_everything_that_a_line_says(office: Office) -> None:
    assert office.take(FULL).added == 2
    ana, luis = office.person("ana@x.com"), office.person("luis@x.com")
    assert (ana.name, ana.timezone, ana.language) == ("Ana Núñez", "Europe/Madrid", "es")
    assert (ana.country, ana.subdivision, ana.department, ana.manager) == ("ES", "MD", "Sales", "boss@x.com")
    assert (ana.is_hr, ana.is_admin) == (True, True)
    assert ana.all_addresses == {"ana@x.com", "ana@y.com", "a@z.com"}
    assert (luis.timezone, luis.country, luis.is_hr) == ("America/Bogota", "CO", False)


def test_only_address_and_name_are_needed(office: Office) -> None:
    office.take("email,name\na@x.com,Ana\n")
    ana = office.person("a@x.com")
    assert (ana.timezone, ana.language, ana.country) == ("UTC", "en", None)


def test_the_same_file_again_changes_and_writes_nothing(office: Office) -> None:
    office.take(FULL)
    before = (office.acts(), office.calendars("ana@x.com"))
    written: list[str] = []

    def watch(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement)

    event.listen(office.store.engine, "before_cursor_execute", watch)
    assert office.take(FULL, LATER).unchanged == 2
    assert written == []
    assert (office.acts(), office.calendars("ana@x.com")) == before


def test_changes_are_taken_and_noted(office: Office) -> None:
    office.take("email,name,country\na@x.com,Ana,ES\nb@x.com,Bea,CO\n")
    done = office.take("email,name,country\na@x.com,Ana Núñez,ES-MD\nb@x.com,Bea,CO\n", LATER)
    assert (done.added, done.changed, done.unchanged) == (0, 1, 1)
    assert office.person("a@x.com").subdivision == "MD"
    with office.store.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.act == "person.changed")).one()
    assert entry.details == {"fields": ["name", "subdivision"]}
    assert (entry.at, entry.via, entry.actor_id) == (LATER, "command", None)


def test_an_empty_cell_leaves_what_is_known_and_a_dash_clears_it(office: Office) -> None:
    office.take(FULL)
    office.take("email,name,country,department,aliases,roles\nana@x.com,Ana Núñez,,,,\n")
    ana = office.person("ana@x.com")
    assert (ana.country, ana.department, len(ana.all_addresses), ana.is_hr) == ("ES", "Sales", 3, True)
    office.take("email,name,country,department,aliases,roles,calendar\nana@x.com,Ana Núñez,-,-,-,-,-\n")
    ana = office.person("ana@x.com")
    assert (ana.country, ana.subdivision, ana.department) == (None, None, None)
    assert ana.all_addresses == {"ana@x.com"}
    assert (ana.is_hr, ana.is_admin) == (False, False)
    assert [c[2] for c in office.calendars("ana@x.com")] == [CalendarStatus.DISCONNECTED]


def test_a_bad_line_keeps_all_others_out(office: Office) -> None:
    problems = office.refuse("email,name,timezone\na@x.com,Ana,Europe/Madird\nb@x.com,Bea,\n,Cleo,\nd,Dan,\n")
    assert [p.partition(":")[0] for p in problems] == [
        "people.csv, line 2, timezone",
        "people.csv, line 4, email",
        "people.csv, line 5, email",
    ]
    assert office.count(Person) == 0


def test_a_person_who_stands_there_twice_is_named_with_both_lines(office: Office) -> None:
    (problem,) = office.refuse("email,name\na@x.com,Ana\nb@x.com,Bea\nA@x.com,Ana\n")
    assert problem.startswith("people.csv, line 4, email: a@x.com stands in line 2 already")


def test_a_person_is_found_by_a_further_address(office: Office) -> None:
    office.take(FULL)
    done = office.take("email,name\nana@y.com,Ana Núñez\n")
    assert (done.added, done.unchanged) == (0, 1)
    (problem,) = office.refuse("email,name\nana@y.com,Ana\na@z.com,Ana\n")
    assert "line 2 already" in problem


def test_an_address_of_somebody_else_is_refused(office: Office) -> None:
    office.take(FULL)
    problems = office.refuse(
        "email,name,aliases\nb@x.com,Bea,ana@y.com\nc@x.com,Cleo,luis@x.com d@x.com\nd@x.com,D,\n"
    )
    assert "ana@y.com belongs to ana@x.com" in problems[0]
    assert "d@x.com belongs to d@x.com" in problems[1]
    assert "luis@x.com belongs to luis@x.com" in problems[2]


def test_two_people_of_one_file_can_not_share_an_address(office: Office) -> None:
    (problem,) = office.refuse("email,name,aliases\na@x.com,Ana,s@x.com\nb@x.com,Bea,s@x.com\n")
    assert problem.startswith("people.csv, line 3, aliases: s@x.com belongs to a@x.com")


def test_an_address_can_pass_from_one_person_to_another_in_one_file(office: Office) -> None:
    office.take("email,name,aliases\na@x.com,Ana,s@x.com\nb@x.com,Bea,t@x.com\n")
    office.take("email,name,aliases\na@x.com,Ana,t@x.com\nb@x.com,Bea,s@x.com\n")
    assert office.person("a@x.com").all_addresses == {"a@x.com", "t@x.com"}
    assert office.person("b@x.com").all_addresses == {"b@x.com", "s@x.com"}


def test_a_person_gets_a_new_main_address_and_keeps_the_old_one(office: Office) -> None:
    office.take("email,name,calendar\nana@old.com,Ana Núñez,google\n")
    before = office.person("ana@old.com").id
    moved = "email,name,aliases,calendar\nana@new.com,ana nuñez,ana@old.com,google\n"
    assert office.take(moved, LATER).changed == 1
    ana = office.person("ana@new.com")
    assert ana.id == before
    assert ana.all_addresses == {"ana@new.com", "ana@old.com"}
    assert [c[1] for c in office.calendars("ana@new.com")] == ["ana@new.com"]
    assert office.take(moved, LATER).unchanged == 1


def test_a_further_address_can_become_the_main_one(office: Office) -> None:
    office.take("email,name,aliases\na@x.com,Ana,b@x.com\n")
    office.take("email,name,aliases\nb@x.com,Ana P,a@x.com\n")
    assert office.person("b@x.com").all_addresses == {"a@x.com", "b@x.com"}
    assert office.count(Person) == 1


def test_nobody_gets_the_address_of_somebody_of_another_name(office: Office) -> None:
    office.take("email,name\nana@x.com,Ana\n")
    (problem,) = office.refuse("email,name,aliases\nbea@x.com,Bea,ana@x.com\n")
    assert "ana@x.com belongs to ana@x.com" in problem


def test_the_own_address_among_the_further_ones_is_no_matter(office: Office) -> None:
    office.take("email,name,aliases\na@x.com,Ana,a@x.com\n")
    assert office.count(PersonAddress) == 0


def test_calendars_are_connected_and_their_address_is_sealed(office: Office) -> None:
    office.take(FULL)
    connected = CalendarStatus.CONNECTED
    assert office.calendars("ana@x.com") == [(Provider.ICAL, "https://cal.example/ana.ics", connected)]
    assert office.calendars("luis@x.com") == [(Provider.ICAL, "/srv/lists/cal/luis.ics", connected)]
    with office.store.read() as db:
        assert not any("cal.example" in c.address for c in db.scalars(select(Calendar)))


@pytest.mark.parametrize(
    ("cell", "calendar"),
    [
        ("Google", (Provider.GOOGLE, "a@x.com")),
        ("outlook", (Provider.OUTLOOK, "a@x.com")),
        ("webcal://p1.example/Ana.ics?t=S", (Provider.ICAL, "https://p1.example/Ana.ics?t=S")),
        ("HTTPS://p1.example/feed", (Provider.ICAL, "https://p1.example/feed")),
        ("/data/ana.ics", (Provider.ICAL, "/data/ana.ics")),
        ("../ana.ICS", (Provider.ICAL, "/srv/ana.ICS")),
    ],
)
def test_it_knows_the_ways_to_name_a_calendar(
    office: Office, cell: str, calendar: tuple[Provider, str]
) -> None:
    office.take(f"email,name,calendar\na@x.com,Ana,{cell}\n")
    assert [c[:2] for c in office.calendars("a@x.com")] == [calendar]


@pytest.mark.parametrize(
    "cell", ["gogle", "ftp://secret.example/a.ics", "https://", "ana.pdf", "javascript:x"]
)
def test_what_is_no_calendar_is_refused_without_repeating_it(office: Office, cell: str) -> None:
    (problem,) = office.refuse(f"email,name,calendar\na@x.com,Ana,{cell}\n")
    assert problem.startswith("people.csv, line 2, calendar: is no calendar")
    assert "secret" not in problem


def test_a_file_without_a_folder_can_name_no_paths(office: Office) -> None:
    with pytest.raises(BadInput, match="path of a file"):
        office.take("email,name,calendar\na@x.com,Ana,/etc/x.ics\n", folder=None)


def test_a_file_that_is_not_there_yet_is_noted(office: Office) -> None:
    (note,) = office.take("email,name,calendar\na@x.com,Ana,nope.ics\n").notes
    assert note.startswith("people.csv, line 2, calendar: there is no file")


def test_a_new_address_of_the_same_kind_takes_the_place_of_the_old_one(office: Office) -> None:
    office.take("email,name,calendar\na@x.com,Ana,https://x.example/old\n")
    office.take("email,name,calendar\na@x.com,Ana,https://x.example/new\n", LATER)
    assert office.calendars("a@x.com") == [(Provider.ICAL, "https://x.example/new", CalendarStatus.CONNECTED)]
    with office.store.read() as db:
        calendar = db.scalars(select(Calendar)).one()
    assert (calendar.cursor, calendar.next_read_at) == (None, LATER)


def test_another_provider_is_another_calendar_and_back_is_the_old_one(office: Office) -> None:
    for cell in ("https://x.example/a", "google", "https://x.example/a"):
        office.take(f"email,name,calendar\na@x.com,Ana,{cell}\n")
    assert [(c[0], c[2]) for c in office.calendars("a@x.com")] == [
        (Provider.ICAL, CalendarStatus.CONNECTED),
        (Provider.GOOGLE, CalendarStatus.DISCONNECTED),
    ]


def _pair(store: Store) -> int:
    with store.write() as db:
        ids = [db.scalars(select(Person.id).where(Person.email == f"{c}@x.com")).one() for c in "ab"]
        program = Program(name="P", created_at=NOW)
        db.add(program)
        db.flush()
        pair = Pair(program_id=program.id, mentor_id=ids[0], mentee_id=ids[1], created_at=NOW)
        db.add(pair)
        db.flush()
        return pair.id


@pytest.mark.parametrize(
    ("row", "is_due"),
    [("Ana,ES-MD,,", True), ("Ana,ES,s@x.com,", True), ("Ana,ES,,x.ics", True), ("Ana N,ES,,", False)],
)
def test_a_pair_is_due_when_what_it_is_judged_by_changes(office: Office, row: str, is_due: bool) -> None:
    head = "email,name,country,aliases,calendar\n"
    office.take(f"{head}a@x.com,Ana,ES,,\nb@x.com,Bea,CO,,\n")
    pair_id = _pair(office.store)
    office.take(f"{head}a@x.com,{row}\n", LATER)
    with office.store.read() as db:
        assert (db.get_one(Pair, pair_id).review_due_at == LATER) is is_due


def test_people_are_found_by_all_their_addresses(office: Office) -> None:
    office.take(FULL)
    with office.store.read() as db:
        found = find_people(db, ["a@z.com", "luis@x.com", "nobody@x.com"])
    assert found["a@z.com"].email == "ana@x.com"
    assert found["luis@x.com"].email == "luis@x.com"
    assert "nobody@x.com" not in found


def test_many_people_take_few_statements(office: Office) -> None:
    text = "email,name,aliases,calendar\n" + "".join(
        f"p{i}@x.com,P,q{i}@x.com,{i}.ics\n" for i in range(1500)
    )
    statements: list[str] = []
    event.listen(
        office.store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False
    )
    assert office.take(text).added == 1500
    assert office.take(text).unchanged == 1500
    assert len(statements) < 60
