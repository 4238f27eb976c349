"""Everything else that fills a calendar: stand-ups, dentists, focus time. None of it is anybody's business.

No title here may ever reach the database, a log or a mail; the tests look for every one of them.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workers.demo.agenda import Change, Look, Meeting
from workers.demo.cast import CAST, OFFICES, Member
from workers.demo.plot import choice
from workers.demo.styles import make_uid

DAY = timedelta(days=1)
MONTHS_BACK = timedelta(days=190)

_ERRANDS = {
    "es": (
        ("Dentista, limpieza semestral", "Clínica dental del centro"),
        ("Revisión médica anual", "Centro de salud"),
        ("Reunión de padres, 2.º B", "Colegio"),
        ("Llevar el coche al taller", "Taller Hermanos Rivas"),
        ("Fisioterapia (rodilla)", ""),
        ("Cita con el notario por la hipoteca", ""),
        ("Psicóloga", ""),
    ),
    "en": (
        ("Dentist: crown, second visit", "Barton Springs Dental"),
        ("Annual physical", ""),
        ("Pick up Theo from swim practice", ""),
        ("Therapy", ""),
        ("Mortgage closing", "Title office, suite 400"),
        ("Car inspection", "South Lamar Auto"),
    ),
}
_WORK = {
    "es": (
        "Revisión de presupuesto trimestral (confidencial)",
        "Entrevista: candidatura a jefatura de obra",
        "Demo con el cliente Puentes del Sur",
        "Plan de reorganización, borrador",
        "Comité de precios",
        "Preparar la auditoría de seguridad",
        "Retrospectiva del trimestre",
        "Taller de accesibilidad",
    ),
    "en": (
        "Quarterly budget review (confidential)",
        "Interview: senior site reliability engineer",
        "Customer demo: Harbor Bridge JV",
        "Reorg plan, draft 2",
        "Pricing committee",
        "Security audit prep",
        "Quarterly retrospective",
        "Accessibility workshop",
    ),
}
_WORDS = {
    "es": {
        "stand-up": "Daily del equipo",
        "focus": "Bloque de concentración",
        "one on one": "Uno a uno semanal",
        "leave": "Vacaciones",
        "birthday": "Cumpleaños de {}",
        "note": "Ver el documento compartido.",
    },
    "en": {
        "stand-up": "Team stand-up",
        "focus": "Focus time",
        "one on one": "Weekly one-on-one",
        "leave": "On vacation",
        "birthday": "{}'s birthday",
        "note": "See the shared document.",
    },
}


def routine_of(member: Member, now: datetime) -> Iterator[Meeting]:
    """Yield the ordinary entries that the member made in the last half year."""
    yield _focus(member, now)
    yield _birthday(member, now)
    if member.boss:
        yield _one_on_one(member, now)
    for team in _teams(member):
        yield _stand_up(member, team, now)
    for n in range(5):
        yield _errand(member, now, n)
    for n in range(3):
        yield _work(member, now, n)


def leave_of(member: Member, first: date, last: date) -> Meeting:
    """Return the all-day entry that says they are away, first and last day included."""
    days = (last - first).days + 1
    start = _at(member, first, time())
    created = start - timedelta(days=41, hours=-15)
    look = Look(_words(member)["leave"], all_day=True)
    seed = f"{member.email}/leave/{first}"
    return Meeting(
        make_uid(member.program, seed), member, (), (Change(created, start),), look, minutes=days * 24 * 60
    )


def _words(member: Member) -> dict[str, str]:
    return _WORDS[member.office.language]


def _at(member: Member, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(member.office.timezone))


def _monday(now: datetime) -> date:
    day = (now - MONTHS_BACK).date()
    return day - timedelta(days=day.weekday())


def _series(member: Member, name: str, first: datetime, rule: str, look: Look, *guests: Member) -> Meeting:
    organiser = guests[0] if name == "one on one" else member
    others = (member,) if name == "one on one" else guests
    return Meeting(
        make_uid(organiser.program, f"{member.email}/{name}"),
        organiser,
        others,
        (Change(first - 9 * DAY, first),),
        look,
        30,
        repeat=rule,
    )


def _focus(member: Member, now: datetime) -> Meeting:
    weekday = choice(member.email, 5)
    first = _at(member, _monday(now) + weekday * DAY, time(9))
    rule = f"FREQ=WEEKLY;BYDAY={('MO', 'TU', 'WE', 'TH', 'FR')[weekday]}"
    return _series(member, "focus", first, rule, Look(_words(member)["focus"]))


def _birthday(member: Member, now: datetime) -> Meeting:
    friend = sorted(CAST)[choice(member.email, len(CAST))].split()[0]
    day = _monday(now) + choice(f"{member.email}b", 200) * DAY
    look = Look(_words(member)["birthday"].format(friend), busy=False, all_day=True)
    start = _at(member, day, time())
    return Meeting(
        make_uid(member.program, f"{member.email}/birthday"),
        member,
        (),
        (Change(start - timedelta(days=300, hours=-10), start),),
        look,
        24 * 60,
        repeat="FREQ=YEARLY",
    )


def _one_on_one(member: Member, now: datetime) -> Meeting:
    weekday = choice(f"{member.email}1", 5)
    first = _at(CAST[member.boss], _monday(now) + weekday * DAY, time(17, 30))
    rule = f"FREQ=WEEKLY;BYDAY={('MO', 'TU', 'WE', 'TH', 'FR')[weekday]}"
    return _series(member, "one on one", first, rule, Look(_words(member)["one on one"]), CAST[member.boss])


def _teams(member: Member) -> list[list[Member]]:
    staff = [m for m in CAST.values() if m.boss == member.name]
    offices = [[m for m in staff if m.office is office] for office in OFFICES.values()]
    return [team for team in offices if len(team) > 1]


def _stand_up(member: Member, team: list[Member], now: datetime) -> Meeting:
    first = _at(team[0], _monday(now), time(9, 15))
    look = Look(_words(team[0])["stand-up"], place="Zoom")
    rule = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"
    return _series(member, f"stand-up {team[0].office.city}", first, rule, look, *team)


def _errand(member: Member, now: datetime, nth: int) -> Meeting:
    errands = _ERRANDS[member.office.language]
    title, place = errands[choice(f"{member.email}{nth}e", len(errands))]
    return _once(member, now, f"errand {nth}", Look(title, place=place, private=True))


def _work(member: Member, now: datetime, nth: int) -> Meeting:
    titles = _WORK[member.office.language]
    look = Look(titles[choice(f"{member.email}{nth}w", len(titles))], note=_words(member)["note"])
    near = [m for m in CAST.values() if m != member and m.department == member.department]
    first = choice(f"{member.email}{nth}g", len(near) or 1)
    # Three at least, or nobody: two of a pair alone would be asked whether it was a session.
    guests = (near + near)[first : first + 3] if len(near) > 2 else []
    return _once(member, now, f"work {nth}", look, *guests)


def _once(member: Member, now: datetime, name: str, look: Look, *guests: Member) -> Meeting:
    seed = f"{member.email}/{name}"
    day = _monday(now) + choice(seed, 215) * DAY
    day += timedelta(days=-2 if day.weekday() >= 5 else 0)
    start = _at(member, day, time(8 + choice(f"{seed}h", 10)))
    return Meeting(
        make_uid(member.program, seed), member, guests, (Change(start - 16 * DAY, start),), look, 60
    )
