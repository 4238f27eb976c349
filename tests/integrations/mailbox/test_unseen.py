"""What a mailbox can not know: sessions from before it was asked. Nobody missed those."""

from __future__ import annotations

from datetime import date

from tests.integrations.mailbox.office import Office
from tests.tracker.world import instant
from tracker.ledger import judge
from tracker.models import Calendar, CalendarStatus, Provider


def _verdicts(office: Office, at: str) -> list[tuple[str, str]]:
    office.clock.instant = instant(at)
    office.read()
    office.sync()
    ledger = judge(office.evidence(), now=office.clock.now())
    return [
        (f"{p.starts_on:%m-%d}", p.verdict.value)
        for p in ledger.periods
        if p.ends_before <= date(2026, 3, 16)
    ]


def test_nobody_missed_what_was_before_the_mailbox_was_asked(office: Office) -> None:
    # The agreement runs since January, the mailbox was connected on 21 February, a Saturday.
    found = dict(_verdicts(office, "2026-03-27 09:00"))
    assert {found[day] for day in found if day < "02-21"} == {"excused"}
    assert [found[day] for day in found if day > "02-21"] == ["missed"]


def test_what_a_calendar_showed_before_the_mailbox_took_its_place_stays_known(office: Office) -> None:
    with office.ports.store.write() as db:
        db.add(
            Calendar(
                person_id=office.duo.mentor, provider=Provider.GOOGLE, fingerprint="g", address="a",
                status=CalendarStatus.DISCONNECTED, connected_at=instant("2026-01-01 08:00"),
                disconnected_at=instant("2026-02-01 08:00"), last_read_at=instant("2026-01-31 08:00"),
            )
        )  # fmt: skip
    found = _verdicts(office, "2026-03-27 09:00")
    assert found[0] == ("01-05", "missed")
    assert {verdict for day, verdict in found if "01-19" <= day < "02-21"} == {"excused"}


def test_a_calendar_tells_its_past_whenever_it_is_connected(office: Office) -> None:
    calendar = office.world.calendar(office.duo.mentor)
    office.set_read(calendar, instant("2026-03-27 09:00"))
    assert "excused" not in dict(_verdicts(office, "2026-03-27 09:00")).values()
