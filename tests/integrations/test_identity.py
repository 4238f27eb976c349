"""One entry on several calendars: what their ids share."""

from __future__ import annotations

import pytest

from integrations.identity import lineage_of

EXCHANGE = "040000008200E00074C5B7101A82E008"
REST = "0" * 16 + "0" * 16 + "10000000" + "3E9EF82FC4F68B47AA38749DEC560C23"


def wrapped(uid: str, date: str = "00000000") -> str:
    """Return a foreign UID as Exchange keeps it."""
    inner = b"vCal-Uid\x01\0\0\0" + uid.encode() + b"\0"
    return f"{EXCHANGE}{date}{'0' * 32}{len(inner).to_bytes(4, 'little').hex()}{inner.hex()}".upper()


def test_occurrences_of_exchange_share_their_series() -> None:
    assert lineage_of(f"{EXCHANGE}07EA0302{REST}") == lineage_of(f"{EXCHANGE}00000000{REST}")


def test_series_of_exchange_are_told_apart() -> None:
    assert lineage_of(f"{EXCHANGE}00000000{REST}") != lineage_of(f"{EXCHANGE}00000000{REST[:-1]}4")


@pytest.mark.parametrize("uid", ["7kukuqrfedlm2f9t0djpsk4a1u@google.com", "A1-b2", "ñ@example.com"])
def test_guest_on_exchange_finds_the_organisers_uid(uid: str) -> None:
    assert lineage_of(wrapped(uid)) == lineage_of(wrapped(uid, "07EA0302")) == lineage_of(uid)


def test_rest_of_a_split_series_is_the_same_on_exchange() -> None:
    assert lineage_of(wrapped("abc_R20260316T090000@google.com")) == lineage_of("abc@google.com")
