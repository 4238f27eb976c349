"""Content lines (RFC 5545, 3.1): from the bytes of a file to names, parameters and values.

It is lenient with what programs really write, and it never raises: a line that is no content line is left
out. It does not know what a value means.
"""

import codecs
import re
from dataclasses import dataclass, field

# Values that are dates hold no colon, unlike the unquoted zone names that some programs put before them.
DATED = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_HEAD = re.compile(r'([A-Za-z0-9-]+)[ \t]*((?:;(?:[^":]++|"[^"]*")*+)?):', re.DOTALL)
_LOOSE_HEAD = re.compile(r"([A-Za-z0-9-]+)[ \t]*((?:;[^:]*+)?):", re.DOTALL)
_PARAM = re.compile(r';[ \t]*([A-Za-z0-9-]+)[ \t]*=((?:[^";]++|"[^"]*")*+)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CARET = {"^n": "\n", "^^": "^", "^'": '"'}


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: upper-case name, parameters by upper-case name, and the value as written."""

    name: str
    value: str
    params: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The value as TEXT, without its escapes."""
        return unescape(self.value)


def normalise(data: bytes) -> bytes:
    """Return `data` as UTF-8 without byte order mark, NUL and folds; each line begins after a newline.

    Folding is undone on the bytes, so that a character cut in two by it is whole again. Lines may keep a
    carriage return at their end.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        data = data.replace(b"\0", b"")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return b"\n" + unfold(data.lstrip())


def unfold(data: bytes) -> bytes:
    """Return `data` with folded lines joined."""
    folds = (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t") if b"\t" in data else (b"\r\n ", b"\n ")
    for fold in folds:
        data = data.replace(fold, b"")
    return data


def to_text(raw: bytes) -> str:
    """Return one line as text: UTF-8, else what Windows programs wrote before it."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def unescape(value: str) -> str:
    """Return the text that an escaped TEXT value stands for."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], value)


def split_list(value: str) -> list[str]:
    """Return the texts of a comma-separated TEXT value such as CATEGORIES."""
    return [unescape(part) for part in re.split(r"(?<!\\),", value)]


def parse_line(raw: bytes) -> Property | None:
    """Return the property on one logical line, or None where it is no content line."""
    line = to_text(raw).rstrip("\r\n")
    head = _HEAD.match(line) or _LOOSE_HEAD.match(line)
    if head is None:
        return None
    name = head[1].upper()
    value, params = line[head.end() :], head[2]
    if name in DATED and ":" in value:
        params, _, value = line[head.end(1) :].rpartition(":")
    return Property(name, value, _parse_params(params) if params else {})


def _parse_params(text: str) -> dict[str, str]:
    return {m[1].upper(): _param_value(m[2]) for m in _PARAM.finditer(text)}


def _param_value(raw: str) -> str:
    bare = raw.strip().strip('"')
    return re.sub(r"\^[n^']", lambda m: _CARET[m[0]], bare) if "^" in bare else bare
