"""Reading evidence: what is taken, and how what is not is named."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from tests.ledger.chance import make_case
from tests.ledger.makers import Json, both, held, pair, said, seen, session, stay
from tracker.ledger import EvidenceError, decode_evidence

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "evidence.schema.json").read_text())


def raw() -> Json:
    """Give valid evidence as decoded JSON."""
    told = session(
        "a",
        seen("03-05 10:00", declined_by=["mentor"]),
        statements=both(),
        attendance=[stay("mentor", "03-05", "03-06")],
    )
    away = [{"who": "both", "from": "2026-03-02", "to": "2026-03-03", "kind": "leave"}]
    full = pair(
        told, held("b", "03-20 10:00"), absences=away, policy={"grace_days": 2}, now="2026-03-05T00:00:00Z"
    )
    evidence: Json = json.loads(msgspec.json.encode(full))
    return evidence


def change(evidence: Json, path: str, value: Any) -> Json:
    """Put a value (or nothing, for ...) at a path such as `sessions.0.id`."""
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place: Any = evidence
    for key in parents:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return evidence


def fault(text: str | bytes) -> EvidenceError:
    """Give what is wrong with a line."""
    with pytest.raises(EvidenceError) as caught:
        decode_evidence(text)
    return caught.value


CHANGES: list[tuple[str, Any, str]] = [
    ("pair", ..., "pair"),
    ("pair", "", "pair"),
    ("pair", 3, "pair"),
    ("extra", 1, "extra"),
    ("timezone", "Mars/Olympus", "timezone"),
    ("timezone", "../Europe/Madrid", "timezone"),
    ("timezone", "", "timezone"),
    ("starts_on", "2026-02-30", "starts_on"),
    ("starts_on", "0001-01-01", "starts_on"),
    ("ends_on", "2026-03-01", "ends_on"),
    ("ends_on", "9999-12-31", "ends_on"),
    ("cadence.unit", "year", "cadence.unit"),
    ("cadence.unit", ..., "cadence.unit"),
    ("cadence.every", 0, "cadence.every"),
    ("cadence.every", 367, "cadence.every"),
    ("cadence.sessions", 32, "cadence.sessions"),
    ("cadence.sessions", 1.5, "cadence.sessions"),
    ("cadence.colour", "red", "cadence.colour"),
    ("policy", None, "policy"),
    ("policy.grace_days", -1, "policy.grace_days"),
    ("policy.notice_hours", 8785, "policy.notice_hours"),
    ("policy.escalate_after", 0, "policy.escalate_after"),
    ("policy.stale_after_days", 0, "policy.stale_after_days"),
    ("policy.unconfirmed_counts_as", "missed", "policy.unconfirmed_counts_as"),
    ("observed_until", ..., "observed_until"),
    ("observed_until", "2026-03-05T10:00:00", "observed_until"),
    ("now", None, "now"),
    ("sessions", None, "sessions"),
    ("sessions.1.id", "a", "sessions[1].id"),
    ("sessions.0.id", "", "sessions[0].id"),
    ("sessions.0.observations", [], "sessions[0].observations"),
    ("sessions.1.observations.0.at", "yesterday", "sessions[1].observations[0].at"),
    ("sessions.1.observations.0.at", 1772700000, "sessions[1].observations[0].at"),
    ("sessions.1.observations.0.starts_at", "2026-03-20T10:00:00", "sessions[1].observations[0].starts_at"),
    ("sessions.1.observations.0.ends_at", "2026-03-20T10:00:00Z", "sessions[1].observations[0].ends_at"),
    ("sessions.1.observations.0.status", "tentative", "sessions[1].observations[0].status"),
    (
        "sessions.0.observations.0.declined_by",
        ["mentor", "mentor"],
        "sessions[0].observations[0].declined_by",
    ),
    ("sessions.0.observations.0.declined_by", ["hr"], "sessions[0].observations[0].declined_by[0]"),
    ("sessions.0.observations.0.cancelled_by", "both", "sessions[0].observations[0].cancelled_by"),
    ("sessions.0.statements.1.held", "yes", "sessions[0].statements[1].held"),
    ("sessions.0.statements.1.held", ..., "sessions[0].statements[1].held"),
    ("sessions.0.statements.1.absent", ["mentee", "mentee"], "sessions[0].statements[1].absent"),
    ("sessions.0.attendance.0.who", "both", "sessions[0].attendance[0].who"),
    ("absences.0.from", "02.03.2026", "absences[0].from"),
    ("absences.0.kind", "strike", "absences[0].kind"),
]


@pytest.mark.parametrize(("path", "value", "field"), CHANGES)
def test_it_names_the_field_that_is_wrong(path: str, value: Any, field: str) -> None:
    assert fault(json.dumps(change(raw(), path, value))).field == field


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("observed_until", "2026-03-05T10:00:00", "offset"),
        ("starts_on", "1.3.2026", "write a date as 2026-03-05"),
        ("pair", ..., "is missing; add it"),
        ("extra", 1, "no known field"),
        ("cadence.unit", "year", "write day, week or month"),
        ("timezone", "Madrid", "write one such as Europe/Madrid"),
    ],
)
def test_it_says_what_to_do(path: str, value: Any, words: str) -> None:
    assert words in fault(json.dumps(change(raw(), path, value))).problem


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "ends too early"),
        (b'{"pair": 1} {', "pair"),
        (b"[]", "one object a line"),
        (b"null", "Expected `object`"),
        (b'{"pair": "\xff"}', "UTF-8"),
        (b"nonsense", "malformed"),
    ],
)
def test_it_says_why_a_line_is_no_evidence(line: bytes, words: str) -> None:
    assert words in str(fault(line))


def test_it_reads_what_it_wrote() -> None:
    evidence = decode_evidence(json.dumps(raw()))
    assert decode_evidence(msgspec.json.encode(evidence)) == evidence


def test_it_takes_absent_lists_of_both() -> None:
    told = session(
        "a",
        seen("03-05 10:00", declined_by=["mentor", "mentee"]),
        statements=[said("mentor", False, "mentor", "mentee")],
    )
    assert pair(told).sessions[0].observations[0].declined_by == ("mentor", "mentee")


def test_it_takes_nothing_recorded_for_null_or_left_out() -> None:
    assert pair(session("a", seen("03-05 10:00"), attendance=None)).sessions[0].attendance is None
    assert pair(session("a", seen("03-05 10:00"))).sessions[0].attendance is None
    assert pair(session("a", seen("03-05 10:00"), attendance=[])).sessions[0].attendance == ()


@pytest.mark.parametrize("seed", range(40))
def test_it_takes_what_the_published_schema_takes(seed: int) -> None:
    evidence, _ = make_case(Random(seed))
    jsonschema.validate(evidence, SCHEMA)
    decode_evidence(json.dumps(evidence))


# What only words can say in a schema: zones, order in time, ids used twice, formats.
BEYOND_SCHEMA = {"timezone", "ends_on", "starts_on", "sessions.1.id", "now"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (path, value)
        for path, value, _ in CHANGES
        if path not in BEYOND_SCHEMA and not path.endswith(("_at", ".at", "_until", "from"))
    ],
)
def test_it_refuses_what_the_published_schema_refuses(path: str, value: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(change(raw(), path, value), SCHEMA)
