"""Which entries are sessions: markers, addresses, references, and meetings of exactly the two."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.events import TagRule
from tracker.tags import Entry, TagRules, fold, normal_address

RULES = TagRules()
OWNER = frozenset({"ana@example.com", "ana.g@example.com"})
BERTA = frozenset({"berta@example.com", "b@example.com"})
PAIRED = TagRules(owner=OWNER, partners=(BERTA, frozenset({"carla@example.com"})))


def suggested(*addresses: str) -> bool:
    return PAIRED.match(Entry(title="Coffee", addresses=frozenset(addresses))) is TagRule.SUGGESTED


@pytest.mark.parametrize(
    "title",
    [
        "#mentoring",
        "1:1 #Mentoring with Berta",
        "#MENTORIA",
        "Sesi\xf3n de #mentor\xeda",
        unicodedata.normalize("NFD", "#mentor\xeda"),
        "1:1#mentoring",
        "[mentoring] Berta",
        "Berta[MENTORING]Ana",
        "\uff03\uff4d\uff45\uff4e\uff54\uff4f\uff52\uff49\uff4e\uff47",
        "#men\u200btoring",
        "\u200f#mentoring\u200f",
        "#mentoring, week 3",
    ],
)
def test_a_marker_in_the_title(title: str) -> None:
    assert RULES.match(Entry(title=title)) is TagRule.MARKER


@pytest.mark.parametrize(
    "title",
    [
        "",
        "mentoring",
        "#mentoringweek",
        "#mentoring2",
        "# mentoring",
        "mentor\xeda",
        "[ mentoring ]",
        "#mentor",
    ],
)
def test_no_marker_in_the_title(title: str) -> None:
    assert RULES.match(Entry(title=title)) is None


@pytest.mark.parametrize(
    "category", ["Mentoring", "MENTOR\xcdA", "tutor\xeda", "Tutoria", " mentoring ", "#mentoring"]
)
def test_a_marker_among_the_categories(category: str) -> None:
    assert RULES.match(Entry(categories=("Blue", category))) is TagRule.MARKER


@pytest.mark.parametrize("category", ["Mentoring team", "Blue", ""])
def test_a_category_counts_as_a_whole(category: str) -> None:
    assert RULES.match(Entry(categories=(category,))) is None


def test_markers_of_the_companys_own_serve_for_titles_and_categories() -> None:
    rules = TagRules(markers=("Acompa\xf1amiento", "1:1  grow", "", "  "))
    assert rules.match(Entry(title="acompanamiento con Berta")) is TagRule.MARKER
    assert rules.match(Entry(title="Our 1:1 Grow")) is TagRule.MARKER
    assert rules.match(Entry(categories=("ACOMPA\xd1AMIENTO",))) is TagRule.MARKER
    assert rules.match(Entry(title="acompanamientos")) is None
    assert rules.match(Entry(title="")) is None


def test_a_marker_is_no_pattern() -> None:
    rules = TagRules(markers=("a.c*", "("))
    assert rules.match(Entry(title="abcc")) is None
    assert rules.match(Entry(title="a.c*")) is TagRule.MARKER


def test_the_programs_address() -> None:
    rules = TagRules(program_addresses=frozenset({"mentoring@example.com"}))
    assert rules.match(Entry(addresses=frozenset({"mentoring@example.com", "x@y.z"}))) is TagRule.ADDRESS


def test_a_reference_that_we_signed() -> None:
    rules = TagRules(is_ours=lambda reference: reference == "signed")
    assert rules.match(Entry(reference="signed")) is TagRule.CADENCIA
    assert rules.match(Entry(reference="forged")) is None


def test_nobody_signs_where_there_is_no_key() -> None:
    assert RULES.match(Entry(reference="anything")) is None


def test_a_marker_is_found_beside_a_forged_reference() -> None:
    assert RULES.match(Entry(title="#mentoring", reference="forged")) is TagRule.MARKER


def test_exactly_the_two_by_any_of_their_addresses() -> None:
    assert suggested("ana@example.com", "berta@example.com")
    assert suggested("ana.g@example.com", "b@example.com", "berta@example.com")
    assert suggested("carla@example.com")


def test_not_exactly_the_two() -> None:
    assert not suggested()
    assert not suggested("ana@example.com")
    assert not suggested("ana@example.com", "berta@example.com", "x@example.com")
    assert not suggested("berta@example.com", "carla@example.com")


def test_a_marker_comes_before_a_suggestion() -> None:
    entry = Entry(title="#mentoring", addresses=frozenset({"berta@example.com"}))
    assert PAIRED.match(entry) is TagRule.MARKER


@pytest.mark.parametrize("text", ["mailto:Ana@Example.com", "MAILTO: ana@example.com ", " ana@example.com"])
def test_addresses_are_compared_without_their_dress(text: str) -> None:
    assert normal_address(text) == "ana@example.com"


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@given(st.text(), st.text())
def test_a_marker_is_found_between_any_words(before: str, after: str) -> None:
    assert RULES.match(Entry(title=f"{before} #mentor\xeda {after}")) is TagRule.MARKER


@pytest.mark.parametrize(
    "other",
    [
        TagRules(markers=("x",)),
        TagRules(owner=OWNER),
        TagRules(partners=(BERTA,)),
        TagRules(program_addresses=BERTA),
        TagRules(keep_untagged=True),
    ],
)
def test_the_fingerprint_tells_rules_apart(other: TagRules) -> None:
    assert other.fingerprint() != RULES.fingerprint()


def test_the_fingerprint_tells_partners_apart_from_one_another() -> None:
    together = TagRules(partners=(frozenset({"a", "b"}),))
    apart = TagRules(partners=(frozenset({"a"}), frozenset({"b"})))
    assert together.fingerprint() != apart.fingerprint()


def test_the_fingerprint_does_not_depend_on_order() -> None:
    one = TagRules(markers=("a", "b"), partners=(BERTA, OWNER))
    two = TagRules(markers=("b", "a"), partners=(OWNER, BERTA))
    assert one.fingerprint() == two.fingerprint()
