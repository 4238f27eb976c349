"""Which calendar entries are mentoring sessions. Everything else is dropped before it is written or logged.

It never keeps what it looked at: a title lives no longer than the question whether it carries a marker.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tracker.events import TagRule

TITLE_MARKERS = ("#mentoring", "#mentoria", "[mentoring]")
CATEGORY_MARKERS = ("mentoring", "mentoria", "tutoria")


class _Unseen(dict[int, str | None]):
    """For str.translate: drops decomposed accents, and what cannot be seen (joiners, soft hyphens)."""

    def __missing__(self, code: int) -> str | None:
        self[code] = None if unicodedata.category(chr(code)) in ("Mn", "Me", "Cf") else chr(code)
        return self[code]


_UNSEEN = _Unseen()
_BEYOND = re.compile(r"[^\x00-\x7f]+")


def fold_letters(text: str) -> str:
    """Return `text` without case, accents and invisible characters; white space stays."""
    if not text.isascii():
        text = _BEYOND.sub(lambda m: m[0].translate(_UNSEEN), unicodedata.normalize("NFKD", text))
    return text.casefold()


def fold(text: str) -> str:
    """Return `text` without case, accents, invisible characters and runs of white space, for comparing."""
    return " ".join(fold_letters(text).split())


def normal_address(text: str) -> str:
    """Return a mail address as it is compared everywhere: no `mailto:`, no space around it, lower case."""
    return re.sub(r"^mailto:", "", text.strip(), flags=re.IGNORECASE).strip().lower()


def nobody_signed(_reference: str) -> bool:
    """Refuse every reference: the default where no key is at hand."""
    return False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the rules may look at. It lives only while one calendar is being read.

    `addresses` are normal addresses of the people on it, the organiser included; rooms are left out, unless
    a room's address is a program's.
    """

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
    `is_ours` tells whether a reference on the entry was signed by this installation. `keep_untagged` is for
    `cadencia calendars read --untagged` alone, which stores nothing. `keeps_absences`: the owner, or the
    program, lets the dates of out-of-office entries be read.
    """

    owner: frozenset[str] = frozenset()
    partners: tuple[frozenset[str], ...] = ()
    markers: tuple[str, ...] = ()
    program_addresses: frozenset[str] = frozenset()
    is_ours: Callable[[str], bool] = nobody_signed
    keep_untagged: bool = False
    keeps_absences: bool = False
    titles: tuple[str, ...] = field(init=False, default=())
    categories: frozenset[str] = field(init=False, default=frozenset())
    _in_title: re.Pattern[str] = field(init=False, repr=False, compare=False, default=re.compile(""))

    def __post_init__(self) -> None:
        own = {fold(m) for m in self.markers} - {""}
        titles = tuple(sorted({*TITLE_MARKERS, *own}))
        object.__setattr__(self, "titles", titles)
        object.__setattr__(self, "categories", frozenset({*CATEGORY_MARKERS, *TITLE_MARKERS, *own}))
        object.__setattr__(self, "_in_title", re.compile("|".join(map(_whole_word, titles))))

    def match(self, entry: Entry) -> TagRule | None:
        """Return the first rule that makes `entry` a session, or None: then it must be dropped."""
        if entry.reference and self.is_ours(entry.reference):
            return TagRule.CADENCIA
        if self._in_title.search(fold(entry.title)) or self.categories & set(map(fold, entry.categories)):
            return TagRule.MARKER
        if self.program_addresses & entry.addresses:
            return TagRule.ADDRESS
        return TagRule.SUGGESTED if self._is_of_two(entry.addresses) else None

    def fingerprint(self) -> str:
        """Return a hash that changes when another set of entries may match (keys of `is_ours` aside)."""
        parts: Iterable[Iterable[str]] = (
            self.owner, self.titles, self.categories, self.program_addresses,
            ["\t".join(sorted(p)) for p in self.partners], [str(self.keep_untagged)],
            ["absences"] if self.keeps_absences else [],
        )  # fmt: skip
        return hashlib.sha256("\0".join("\n".join(sorted(p)) for p in parts).encode()).hexdigest()

    def _is_of_two(self, addresses: frozenset[str]) -> bool:
        others = addresses - self.owner
        return bool(others) and any(others <= partner for partner in self.partners)


def _whole_word(marker: str) -> str:
    # A marker ends where its word ends: "#mentoring" is in "1:1#mentoring" but not in "#mentoringweek".
    before = r"(?<!\w)" if re.match(r"\w", marker) else ""
    after = r"(?!\w)" if re.search(r"\w$", marker) else ""
    return before + re.escape(marker) + after
