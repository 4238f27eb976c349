"""Which calendar entries are mentoring sessions. Everything else is dropped before it is written or logged."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tracker.events import TagRule

TITLE_MARKERS = ("#mentoring", "#mentoria", "[mentoring]")
CATEGORY_MARKERS = ("mentoring", "mentoria", "tutoria")


def fold(text: str) -> str:
    """Return `text` without case, accents and runs of white space, for comparing."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def normal_address(text: str) -> str:
    """Return a mail address as it is compared everywhere: no `mailto:`, no space around it, lower case."""
    return re.sub(r"^mailto:", "", text.strip(), flags=re.IGNORECASE).strip().lower()


def nobody_signed(_reference: str) -> bool:
    """Refuse every reference: the default where no key is at hand."""
    return False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the rules may look at. It lives only while one calendar is being read."""

    title: str = ""
    categories: tuple[str, ...] = ()
    addresses: frozenset[str] = frozenset()
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class TagRules:
    """The rules for one person's calendar.

    `markers` are further words of the company's own, for titles and categories alike. `program_addresses`
    are the mailboxes that people invite. `owner` holds all addresses of the calendar's owner and `partners`
    one set for each person the owner is paired with: an untagged entry of exactly the two is suggested.
    `is_ours` tells whether a reference on the entry was signed by this installation.
    """

    owner: frozenset[str] = frozenset()
    partners: tuple[frozenset[str], ...] = ()
    markers: tuple[str, ...] = ()
    program_addresses: frozenset[str] = frozenset()
    is_ours: Callable[[str], bool] = nobody_signed
    _titles: tuple[str, ...] = field(init=False, default=())
    _categories: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        own = [fold(m) for m in self.markers if fold(m)]
        object.__setattr__(self, "_titles", tuple(sorted({*TITLE_MARKERS, *own})))
        object.__setattr__(self, "_categories", frozenset({*CATEGORY_MARKERS, *TITLE_MARKERS, *own}))

    def match(self, entry: Entry) -> TagRule | None:
        """Return the first rule that makes `entry` a session, or None: then it must be dropped."""
        if entry.reference and self.is_ours(entry.reference):
            return TagRule.CADENCIA
        if _has_marker(fold(entry.title), self._titles) or self._categories & set(
            map(fold, entry.categories)
        ):
            return TagRule.MARKER
        if self.program_addresses & entry.addresses:
            return TagRule.ADDRESS
        return TagRule.SUGGESTED if self._is_of_two(entry.addresses) else None

    def _is_of_two(self, addresses: frozenset[str]) -> bool:
        others = addresses - self.owner
        return bool(others) and any(others <= partner for partner in self.partners)


def _has_marker(title: str, markers: Iterable[str]) -> bool:
    # A marker ends where its word ends: "#mentoring" is not in "#mentoringweek".
    return any(re.search(rf"(?<!\w){re.escape(m)}(?!\w)", title) for m in markers)
