"""The vault opens what it sealed, for the same row alone, and survives a new key."""

import pytest

from integrations.vault import FernetVault, fresh_key
from tracker.errors import BadSettings


def test_it_opens_what_it_sealed() -> None:
    vault = FernetVault([fresh_key()])
    sealed = vault.seal("https://calendar.example/ñandú.ics", "calendars.address:1")
    assert "calendar.example" not in sealed
    assert vault.open(sealed, "calendars.address:1") == "https://calendar.example/ñandú.ics"


def test_a_value_copied_to_another_row_stays_shut() -> None:
    vault = FernetVault([fresh_key()])
    sealed = vault.seal("secret", "calendars.address:1")
    with pytest.raises(BadSettings, match="another row"):
        vault.open(sealed, "calendars.address:10")


def test_the_row_and_the_text_can_not_be_confused() -> None:
    vault = FernetVault([fresh_key()])
    sealed = vault.seal("b\0secret", "a")
    assert vault.open(sealed, "a") == "b\0secret"
    with pytest.raises(BadSettings):
        vault.open(sealed, "a\0b")


def test_a_foreign_key_opens_nothing_and_the_message_keeps_the_secret() -> None:
    sealed = FernetVault([fresh_key()]).seal("secret", "row")
    with pytest.raises(BadSettings, match="CADENCIA_SECRET_KEYS") as caught:
        FernetVault([fresh_key()]).open(sealed, "row")
    assert "secret" not in str(caught.value)
    assert sealed not in str(caught.value)


def test_what_was_sealed_with_the_old_key_opens_after_a_new_one_came() -> None:
    old, new = fresh_key(), fresh_key()
    sealed = FernetVault([old]).seal("secret", "row")
    assert FernetVault([new, old]).open(sealed, "row") == "secret"


def test_the_newest_key_seals() -> None:
    old, new = fresh_key(), fresh_key()
    sealed = FernetVault([new, old]).seal("secret", "row")
    assert FernetVault([new]).open(sealed, "row") == "secret"


def test_fingerprints_stay_when_a_new_key_comes_in_front() -> None:
    old, new = fresh_key(), fresh_key()
    before = FernetVault([old]).fingerprint("https://calendar.example/a.ics")
    assert FernetVault([new, old]).fingerprint("https://calendar.example/a.ics") == before


def test_fingerprints_differ_by_text_and_by_key() -> None:
    one, other = FernetVault([fresh_key()]), FernetVault([fresh_key()])
    assert one.fingerprint("a") != one.fingerprint("b")
    assert one.fingerprint("a") != other.fingerprint("a")
    assert len(one.fingerprint("a")) == 64


@pytest.mark.parametrize("key", ["short", "ñ" * 44, "A" * 44])
def test_a_key_that_is_none_is_named_not_shown(key: str) -> None:
    with pytest.raises(BadSettings, match="CADENCIA_SECRET_KEYS") as caught:
        FernetVault([key])
    assert key not in str(caught.value)
