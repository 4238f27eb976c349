"""Writing that breaks off at any point, and is tried again: the calendar ends as it was to be, and once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.google import close_connections, open_diary
from integrations.google import open as opening
from integrations.google.client import GoogleApi
from integrations.google.diary import GoogleDiary
from integrations.patience import ATTEMPTS
from tests.fakes.google import FakeGoogle, running_google
from tests.fakes.google.description import Refused
from tests.fakes.google.tokens import ALL_THAT_WE_USE
from tests.integrations.google.conftest import ANA, BEN, MONDAY, place_of
from tests.integrations.google.test_diary import HOUR, MEETING
from tracker.errors import ConnectorError

# How many requests fail before Google does its work, and how many after it did; more than are sent in one go
# mean that the caller has to try again.
BREAKS = st.tuples(st.integers(0, ATTEMPTS + 1), st.integers(0, ATTEMPTS + 1))
Done = TypeVar("Done")
MOVES = st.lists(st.tuples(st.integers(1, 5), BREAKS), max_size=3)


def insist(google: FakeGoogle, breaks: tuple[int, int], work: Callable[[], Done]) -> Done:
    """Do the work as a worker does: again and again, until it succeeds."""
    google.faults.extend([Refused(503, "backendError")] * breaks[0])
    google.losses.extend([Refused(503, "backendError")] * breaks[1])
    for _ in range(20):
        try:
            done = work()
        except ConnectorError as error:
            if error.code != "server_error":
                raise
        else:
            google.losses.clear()
            return done
    raise AssertionError("it never came to an end")


def shown(google: FakeGoogle, owner: str) -> list[datetime]:
    """Return when the meetings begin that stand on somebody's calendar."""
    alive = google.office.calendars[owner].alive()
    return [datetime.fromisoformat(item["start"]["dateTime"]) for item in alive]


def open_quickly(google: FakeGoogle) -> GoogleDiary:
    """Open Ana's diary on a Google with Ana and Ben."""
    google.office.hire(ANA)
    google.office.hire(BEN)
    google.desk.delegated = set(ALL_THAT_WE_USE)
    return open_diary(ANA, google.key, place_of(google))


@settings(max_examples=25, deadline=None)
@given(made=BREAKS, moves=MOVES, ended=st.none() | BREAKS)
def test_calendar_ends_as_it_was_to_be(
    made: tuple[int, int], moves: list[tuple[int, tuple[int, int]]], ended: tuple[int, int] | None
) -> None:
    with pytest.MonkeyPatch.context() as patch, running_google(FakeGoogle()) as google:
        patch.setattr(opening, "GoogleApi", functools.partial(GoogleApi, sleep=lambda _: None))
        diary = open_quickly(google)
        entry, at = insist(google, made, lambda: diary.create(MEETING)), MONDAY
        for hours, breaks in moves:
            at += timedelta(hours=hours)
            entry = insist(google, breaks, functools.partial(diary.move, entry, at, at + HOUR))
        assert shown(google, ANA) == shown(google, BEN) == [at]
        if ended is not None:
            insist(google, ended, functools.partial(diary.cancel, entry))
            assert shown(google, ANA) == shown(google, BEN) == []
        mails = [mail.kind for mail in google.writer.mails]
        assert mails == ["invitation", *["update"] * len(moves), *["cancellation"] * (ended is not None)]
        close_connections()
        assert google.defects == []
