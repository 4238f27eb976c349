"""What was granted to the service account: enough, too little, too much."""

from __future__ import annotations

import pytest

from integrations.google import find_rights
from integrations.providers import find_rights as find_any_rights
from tests.fakes.google import FakeGoogle
from tests.fakes.google.tokens import ALL_THAT_WE_USE, ATTENDANCE, FREE_BUSY, IDENTITY, LEAST, SCOPE, WRITE
from tests.integrations.google.conftest import ANA, place_of
from tracker.errors import ConnectorError
from tracker.ports import Rights
from tracker.settings import Settings


def rights(google: FakeGoogle) -> Rights:
    """Return what was granted, for Ana."""
    return find_rights(ANA, google.key, place_of(google))


def test_just_what_is_needed(google: FakeGoogle) -> None:
    google.desk.delegated = set(ALL_THAT_WE_USE)
    assert rights(google) == Rights(needed=tuple(sorted(ALL_THAT_WE_USE)))


def test_reading_alone(google: FakeGoogle) -> None:
    found = rights(google)
    assert found.needed == (LEAST,)
    assert found.missing == tuple(sorted({WRITE, FREE_BUSY, ATTENDANCE, IDENTITY}))
    assert found.excess == ()


@pytest.mark.parametrize("broad", ["calendar", "drive", "gmail.readonly", "admin.directory.user"])
def test_what_is_more_than_needed(google: FakeGoogle, broad: str) -> None:
    google.desk.delegated.add(f"{SCOPE}{broad}")
    assert rights(google).excess == (f"{SCOPE}{broad}",)


def test_wider_scope_is_needed_where_it_is_all_there_is(google: FakeGoogle) -> None:
    google.desk.delegated = {f"{SCOPE}calendar.events.readonly"}
    found = rights(google)
    assert found.needed == (f"{SCOPE}calendar.events.readonly",)
    assert found.excess == ()


def test_wider_scope_beside_the_narrow_one_is_more_than_needed(google: FakeGoogle) -> None:
    google.desk.delegated.add(f"{SCOPE}calendar.events.readonly")
    assert rights(google).excess == (f"{SCOPE}calendar.events.readonly",)


def test_nothing_was_granted(google: FakeGoogle) -> None:
    google.desk.delegated = set()
    found = rights(google)
    assert (found.needed, found.excess) == ((), ())
    assert LEAST in found.missing


def test_trouble_is_no_answer(google: FakeGoogle) -> None:
    google.desk.clock_s = 1
    with pytest.raises(ConnectorError) as caught:
        rights(google)
    assert caught.value.code == "clock_off"


def test_nothing_is_read_for_it(google: FakeGoogle) -> None:
    rights(google)
    assert google.methods() == []


def test_registry_asks_where_there_is_a_key(google: FakeGoogle) -> None:
    settings = Settings(google_service_account=google.key, google_api_root=google.root)
    found = find_any_rights("google", ANA, settings)
    assert found is not None
    assert found.needed == (LEAST,)
    assert find_any_rights("google", ANA, Settings()) is None
