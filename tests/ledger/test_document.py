"""Section 8: the ledger's JSON form."""

from __future__ import annotations

import json

from tests.ledger.makers import held, look, pair, said, seen, session
from tracker.ledger import decode_ledger, encode_ledger

PAIR = pair(
    session(
        "a", seen("03-10 10:00"), seen("03-10 10:00", at="03-09 18:00", declined_by=["mentor", "mentee"])
    ),
    held("b", "03-17 10:00", at="03-10 11:00"),
    session("c", seen("04-08 10:00")),
    starts_on="2026-03-02",
    ends_on="2026-04-12",
)


def test_it_writes_every_field_in_its_place() -> None:
    written = encode_ledger(look(PAIR, "04-03 08:00")).decode()
    period = (
        '{"starts_on":"%s","ends_before":"%s","required":1,'
        '"verdict":"%s","reason":%s,"sessions":%s,"missed_by":[]}'
    )
    outcome = '{"id":"%s","outcome":"%s","late":%s,"absent":%s,"origin":"%s","replaces":%s}'
    periods = [
        period % ("2026-03-02", "2026-03-16", "met", '"rescheduled"', '["b"]'),
        period % ("2026-03-16", "2026-03-30", "missed", '"no_session"', "[]"),
        period % ("2026-03-30", "2026-04-13", "planned", "null", '["c"]'),
    ]
    sessions = [
        outcome % ("a", "cancelled", "true", '["mentee","mentor"]', "2026-03-10T10:00:00Z", "null"),
        outcome % ("b", "held", "false", "[]", "2026-03-10T10:00:00Z", '"a"'),
        outcome % ("c", "scheduled", "false", "[]", "2026-04-08T10:00:00Z", "null"),
    ]
    assert written == (
        '{"pair":"p","now":"2026-04-03T08:00:00Z","periods":[' + ",".join(periods) + '],"sessions":['
        + ",".join(sessions) + '],"due":2,"met":1,"attendance":0.5,"consecutive_missed":1,'
        '"missed_by_mentor":0,"missed_by_mentee":0,"next_session":"2026-04-08T10:00:00Z",'
        '"health":"at_risk","health_reasons":["missed"],'
        '"next_review_at":"2026-04-06T08:00:00Z"}'
    )  # fmt: skip


def test_it_reads_back_what_it_wrote() -> None:
    ledger = look(PAIR, "04-03 08:00")
    assert decode_ledger(encode_ledger(ledger)) == ledger


def test_it_writes_attendance_as_a_plain_number() -> None:
    sessions = [held(f"s{n}", f"03-{day:02} 10:00") for n, day in enumerate(range(2, 10))]
    daily = pair(*sessions, cadence={"sessions": 9, "every": 1, "unit": "month"}, ends_on="2026-04-01")
    assert json.loads(encode_ledger(look(daily, "05-01")))["attendance"] == 0.8888888888888888
    assert b'"attendance":0.8888888888888888' in encode_ledger(look(daily, "05-01"))
    assert b'"attendance":null' in encode_ledger(look(daily, "03-01"))


def test_it_writes_instants_in_utc() -> None:
    local = seen("03-05 10:00", declined_by=["mentee"]) | {"starts_at": "2026-03-05T12:00:00+02:00"}
    evidence = pair(session("a", local, statements=[said("mentor", True)]), read=None)
    assert b'"origin":"2026-03-05T10:00:00Z"' in encode_ledger(look(evidence, "03-05 08:00"))
