"""References on calendar entries: ours are known, all others are not."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.references import new_reference, reader_of, reference_in, uid_of

KEYS = ("newest", "older")


def test_a_reference_of_ours_is_known() -> None:
    assert reader_of(KEYS)(new_reference(KEYS))


def test_a_reference_outlives_a_new_key() -> None:
    assert reader_of(("newer", *KEYS))(new_reference(KEYS))


def test_a_reference_of_another_installation_is_not_ours() -> None:
    assert not reader_of(KEYS)(new_reference(("theirs",)))


def test_an_invitation_that_was_accepted_is_known_by_its_uid() -> None:
    reference = new_reference(KEYS)
    assert reference_in(uid_of(reference)) == reference
    assert reference_in("7kd0fb@google.com") is None


def test_no_two_references_are_alike() -> None:
    assert len({new_reference(KEYS) for _ in range(50)}) == 50


@given(st.integers(3, 54), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_letter_is_seen(place: int, letter: str) -> None:
    reference = new_reference(KEYS)
    changed = reference[:place] + letter + reference[place + 1 :]
    # The last letter holds four bits of padding, which base32 ignores.
    if changed != reference and place < 54:
        assert not reader_of(KEYS)(changed)


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert not reader_of(KEYS)(text)
    assert not reader_of(KEYS)("c1-" + text)
