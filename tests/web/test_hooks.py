"""Where providers knock: what is theirs is noted, whatever else comes changes nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from tests.web.company import Company, Duo
from tracker.models import Calendar, Provider, PushChannel
from tracker.services import rhythm
from tracker.services.notices import mark_of, new_name

DAY = timedelta(days=1)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def google(company: Company, duo: Duo) -> PushChannel:
    """The channel of the mentor's calendar."""
    return open_channel(company, duo.calendars[0], Provider.GOOGLE)


@pytest.fixture
def outlook(company: Company, duo: Duo) -> PushChannel:
    """The subscription to the mentee's calendar."""
    return open_channel(company, duo.calendars[1], Provider.OUTLOOK)


def open_channel(company: Company, calendar: Calendar, provider: Provider) -> PushChannel:
    with company.ports.store.write() as db:
        row = db.get_one(Calendar, calendar.id)
        row.provider, row.next_read_at = provider, company.now + DAY
        channel = PushChannel(
            calendar_id=row.id,
            name=new_name(),
            provider_name=f"theirs of {row.id}",
            fingerprint=row.fingerprint,
            expires_at=company.now + 6 * DAY,
            renew_at=company.now + 5 * DAY,
            created_at=company.now,
        )
        db.add(channel)
    return channel


def is_due(company: Company, channel: PushChannel) -> bool:
    """Tell whether the calendar is to be read soon; else nothing at all was noted."""
    with company.ports.store.read() as db:
        row = db.get_one(PushChannel, channel.id)
        due = db.get_one(Calendar, channel.calendar_id).next_read_at
    soon = company.now + rhythm.GATHERING
    assert due in (soon, company.now + DAY)
    assert row.heard_at in (None, company.now)
    return due == soon


def is_untouched(company: Company, channel: PushChannel) -> bool:
    with company.ports.store.read() as db:
        row = db.get_one(PushChannel, channel.id)
    same = (row.heard_at, row.last_number, row.renew_at) == (None, 0, channel.renew_at)
    return same and not is_due(company, channel)


def mark(company: Company, channel: PushChannel) -> str:
    return mark_of(company.ports.settings.keys, channel.name)


def headers(company: Company, channel: PushChannel, **other: str) -> dict[str, str]:
    said = {
        "id": channel.name,
        "token": mark(company, channel),
        "resource_id": channel.provider_name,
        "resource_state": "exists",
        "message_number": "7",
        **other,
    }
    where = {"id": "X-Goog-Channel-ID", "token": "X-Goog-Channel-Token"}
    return {where.get(k) or "X-Goog-" + k.replace("_", "-").title(): v for k, v in said.items()}


def item(company: Company, channel: PushChannel, **other: Any) -> dict[str, Any]:
    return {
        "subscriptionId": channel.provider_name,
        "clientState": mark(company, channel),
        "changeType": "updated",
        "resource": "Users/x/Events/y",
        **other,
    }


def notify(client: FlaskClient, channel: PushChannel, *items: Any) -> TestResponse:
    return client.post(f"/hooks/outlook/{channel.name}", data=json.dumps({"value": items}))


# --- Google ---


def test_a_message_of_google_has_the_calendar_read(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    answer = client.post("/hooks/google", headers=headers(company, google))
    assert (answer.status_code, answer.data) == (204, b"")
    assert is_due(company, google)


def test_the_first_message_only_says_that_it_works(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    client.post("/hooks/google", headers=headers(company, google, resource_state="sync", message_number="1"))
    assert not is_due(company, google)
    with company.ports.store.read() as db:
        assert db.get_one(PushChannel, google.id).heard_at == company.now


@pytest.mark.parametrize(
    "forged",
    [
        {"token": ""},
        {"token": "guessed"},
        {"token": "0" * 32 + "." + "0" * 64},
        {"id": "another"},
        {"resource_id": "another"},
        {"resource_state": "party"},
        {"message_number": ""},
        {"message_number": "-1"},
        {"message_number": "0"},
        {"message_number": "9" * 30},
        {"message_number": "²"},
        {"token": "é" * 500},
    ],
)
def test_what_is_not_googles_changes_nothing(
    company: Company, client: FlaskClient, google: PushChannel, forged: dict[str, str]
) -> None:
    assert client.post("/hooks/google", headers=headers(company, google, **forged)).status_code == 204
    assert is_untouched(company, google)


def test_a_name_without_its_seal_is_no_mark(
    company: Company, client: FlaskClient, google: PushChannel, outlook: PushChannel
) -> None:
    for seal in ("", "0" * 64, mark(company, outlook).partition(".")[2]):
        client.post("/hooks/google", headers=headers(company, google, token=f"{google.name}.{seal}"))
        forged = mark(company, google).partition(".")[2]
        notify(client, outlook, item(company, outlook, clientState=f"{outlook.name}.{seal and forged}"))
    assert is_untouched(company, google)
    assert is_untouched(company, outlook)


def test_a_mark_of_one_channel_is_none_of_another(
    company: Company, client: FlaskClient, google: PushChannel, outlook: PushChannel
) -> None:
    client.post("/hooks/google", headers=headers(company, google, token=mark(company, outlook)))
    assert is_untouched(company, google)


def test_a_message_that_is_replayed_changes_nothing(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    client.post("/hooks/google", headers=headers(company, google))
    with company.ports.store.write() as db:
        db.get_one(Calendar, google.calendar_id).next_read_at = company.now + DAY
    client.post("/hooks/google", headers=headers(company, google))
    assert not is_due(company, google)


def test_a_message_without_anything_changes_nothing(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    assert client.post("/hooks/google").status_code == 204
    assert is_untouched(company, google)


def test_a_forged_message_never_reaches_the_database(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    asked: list[str] = []
    engine = company.ports.store.engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    client.post("/hooks/google", headers=headers(company, google, token="guessed"))
    notify(client, google, item(company, google, clientState="guessed"))
    assert asked == []


# --- Graph ---


def test_graph_hears_that_somebody_is_here(client: FlaskClient, outlook: PushChannel) -> None:
    answer = client.post(f"/hooks/outlook/{outlook.name}?validationToken=Validation%3A+a%3Cb%3E%2B")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "Validation: a<b>+", "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["0" * 32, "x", "%00", "a'b"])
def test_nobody_is_here_for_a_channel_that_is_not_there(client: FlaskClient, name: str) -> None:
    assert client.post(f"/hooks/outlook/{name}?validationToken=abc").status_code == 404


def test_a_token_without_end_is_not_given_back(client: FlaskClient, outlook: PushChannel) -> None:
    address = f"/hooks/outlook/{outlook.name}?validationToken={'x' * 5000}"
    assert client.post(address).status_code == 404


def test_a_notification_has_the_calendar_read(
    company: Company, client: FlaskClient, outlook: PushChannel
) -> None:
    assert notify(client, outlook, item(company, outlook)).status_code == 202
    assert is_due(company, outlook)


def test_one_post_may_tell_of_several_subscriptions(
    company: Company, client: FlaskClient, google: PushChannel, outlook: PushChannel
) -> None:
    forged = item(company, google, clientState="guessed")
    notify(client, outlook, item(company, outlook), forged, item(company, outlook), item(company, google))
    assert is_due(company, outlook)
    assert is_due(company, google)


def test_a_batch_of_one_calendar_is_noted_once(
    company: Company, client: FlaskClient, outlook: PushChannel
) -> None:
    written: list[str] = []

    def note(*told: Any) -> None:
        if told[2].startswith("UPDATE"):
            written.append(told[2])

    event.listen(company.ports.store.engine, "before_cursor_execute", note)
    notify(client, outlook, *[item(company, outlook, resource=f"Events/{n}") for n in range(100)])
    assert len(written) == 2  # the channel, and its calendar


@pytest.mark.parametrize(
    "other",
    [
        {"clientState": None},
        {"clientState": "guessed"},
        {"clientState": "0" * 32 + "." + "0" * 64},
        {"subscriptionId": "another"},
        {"subscriptionId": "\0"},
        {"lifecycleEvent": "party"},
        {"clientState": 7},
    ],
)
def test_what_is_not_graphs_changes_nothing(
    company: Company, client: FlaskClient, outlook: PushChannel, other: dict[str, Any]
) -> None:
    assert notify(client, outlook, item(company, outlook, **other)).status_code == 202
    assert is_untouched(company, outlook)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"value": {}}', b"[" * 60_000, b'{"value": ' + b'[{"a":' * 9_000],
)
def test_a_malformed_body_changes_nothing(
    company: Company, client: FlaskClient, outlook: PushChannel, body: bytes
) -> None:
    assert client.post(f"/hooks/outlook/{outlook.name}", data=body).status_code == 202
    assert is_untouched(company, outlook)


def test_a_body_without_end_is_not_read(company: Company, client: FlaskClient, outlook: PushChannel) -> None:
    padded = item(company, outlook, padding="x" * 70_000)
    assert notify(client, outlook, padded).status_code == 202
    assert is_untouched(company, outlook)


def row(company: Company, channel: PushChannel) -> PushChannel:
    with company.ports.store.read() as db:
        return db.scalars(select(PushChannel).where(PushChannel.id == channel.id)).one()


@pytest.mark.parametrize(
    ("lifecycle", "reads", "renews", "ends"),
    [
        ("reauthorizationRequired", False, True, False),
        ("subscriptionRemoved", True, True, True),
        ("missed", True, False, False),
    ],
)
def test_the_subscriptions_own_notices_are_heeded(
    company: Company, client: FlaskClient, outlook: PushChannel, lifecycle: str, reads: bool, renews: bool,
    ends: bool,
) -> None:  # fmt: skip
    notify(client, outlook, item(company, outlook, lifecycleEvent=lifecycle))
    after = row(company, outlook)
    assert is_due(company, outlook) is reads
    assert (after.renew_at == company.now, after.expires_at == company.now) == (renews, ends)


# --- both ---


@pytest.mark.parametrize("address", ["/hooks/google", "/hooks/outlook/" + "0" * 32])
def test_nobody_looks_at_it_or_gets_a_cookie(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 405
    assert "Set-Cookie" not in client.post(address).headers


def test_a_calendar_that_is_read_soon_anyway_is_not_put_off(
    company: Company, client: FlaskClient, google: PushChannel
) -> None:
    earlier: datetime = company.now + timedelta(seconds=1)
    with company.ports.store.write() as db:
        db.get_one(Calendar, google.calendar_id).next_read_at = earlier
    client.post("/hooks/google", headers=headers(company, google))
    with company.ports.store.read() as db:
        assert db.get_one(Calendar, google.calendar_id).next_read_at == earlier
