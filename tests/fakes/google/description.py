"""The Calendar API's own description: which requests there are, and what answers look like."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from googleapiclient.discovery_cache import get_static_doc


class Refused(Exception):
    """An answer that is an error; `reason` is the word that Google has for it."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the error as the API writes it."""
        error = {"domain": "global", "reason": self.reason, "message": self.reason}
        return {"error": {"errors": [error], "code": self.status, "message": self.reason}}


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, and where it is found."""

    id: str
    verb: str
    path: re.Pattern[str]
    about: dict[str, Any]

    @property
    def response(self) -> str | None:
        """Return the name of the answer's schema."""
        name: str | None = self.about.get("response", {}).get("$ref")
        return name

    @property
    def scopes(self) -> frozenset[str]:
        """Return the scopes of which a token needs one."""
        return frozenset(self.about["scopes"])


@functools.cache
def document() -> dict[str, Any]:
    """Return the description that the client library ships."""
    read: dict[str, Any] = json.loads(get_static_doc("calendar", "v3"))
    return read


@functools.cache
def methods() -> tuple[Method, ...]:
    """Return all methods."""
    return tuple(
        Method(about["id"], about["httpMethod"], _pattern(about["path"]), about)
        for resource in document()["resources"].values()
        for about in resource["methods"].values()
    )


def find_method(verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """Return the method at `path` (below the service's root, still quoted) and the parameters in it."""
    for method in methods():
        if method.verb == verb and (match := method.path.fullmatch(path)):
            return method, match.groupdict()
    raise Refused(404, "notFound")


def check_query(method: Method, query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the query's values, typed. Refuses what the method does not know."""
    known = {**document()["parameters"], **method.about.get("parameters", {})}
    values: dict[str, Any] = {}
    for name, given in query.items():
        about = known.get(name)
        if about is None or about["location"] != "query" or (len(given) > 1 and not about.get("repeated")):
            raise Refused(400, "invalidParameter")
        typed = [_typed(about, text) for text in given]
        values[name] = typed if about.get("repeated") else typed[0]
    return values


def check_shape(schema: str, value: Any) -> list[str]:
    """Return what of `value` is not as the schema says: fields that it does not have, and wrong types."""
    return list(_defects(document()["schemas"][schema], value, schema))


def select_fields(schema: str, mask: str | None, value: Any) -> Any:
    """Return the part of `value` that a `fields` parameter asks for. Refuses names that are none."""
    if not mask:
        return value
    tree, rest = _parse_mask(mask)
    if rest:
        raise Refused(400, "invalidParameter")
    return _select(document()["schemas"][schema], tree, value)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _typed(about: dict[str, Any], text: str) -> Any:
    try:
        if "enum" in about and text not in about["enum"]:
            raise ValueError(text)
        if about["type"] == "boolean":
            return {"true": True, "false": False}[text]
        if about["type"] == "integer":
            return int(text)
        if about.get("format") == "date-time":
            at = datetime.fromisoformat(text)
            if at.tzinfo is None:
                raise ValueError(text)
            return at
    except (ValueError, KeyError):
        raise Refused(400, "invalidParameter") from None
    return text


def _defects(schema: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    schema = document()["schemas"][schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if not _is_of(kind, schema.get("format"), value):
        yield f"{place} is no {kind}"
    elif kind == "array":
        for number, part in enumerate(value):
            yield from _defects(schema["items"], part, f"{place}[{number}]")
    elif kind == "object":
        further = schema.get("additionalProperties")
        for name, part in value.items():
            about = schema.get("properties", {}).get(name, further)
            if about is None:
                yield f"{place} has no {name}"
            else:
                yield from _defects(about, part, f"{place}.{name}")


def _is_of(kind: str, form: str | None, value: Any) -> bool:
    if kind == "string" and isinstance(value, str):
        return _reads_as(form, value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    types = {"boolean": bool, "object": dict, "array": list, "number": float, "any": object}
    return kind in types and isinstance(value, types[kind])


def _reads_as(form: str | None, text: str) -> bool:
    try:
        if form == "date-time":
            return datetime.fromisoformat(text).tzinfo is not None
        if form == "date":
            return bool(date.fromisoformat(text))
        return form != "int64" or bool(int(text)) or text == "0"
    except ValueError:
        return False


_Tree = dict[str, Any]


def _parse_mask(mask: str) -> tuple[_Tree, str]:
    """Read `a,b/c,d(e,f)` up to a closing bracket."""
    tree: _Tree = {}
    while mask:
        match = re.match(r"[\w*]+(?:/[\w*]+)*", mask)
        if not match:
            raise Refused(400, "invalidParameter")
        mask = mask[match.end() :]
        node = tree
        for name in match[0].split("/"):
            node = node.setdefault(name, {})
        if mask.startswith("("):
            inner, mask = _parse_mask(mask[1:])
            node.update(inner)
            if not mask.startswith(")"):
                raise Refused(400, "invalidParameter")
            mask = mask[1:]
        if not mask.startswith(","):
            break
        mask = mask[1:]
    return tree, mask


def _select(schema: dict[str, Any], tree: _Tree, value: Any) -> Any:
    if not tree:
        return value
    schema = document()["schemas"][schema["$ref"]] if "$ref" in schema else schema
    if schema.get("type") == "array":
        return [_select(schema["items"], tree, part) for part in value]
    known = schema.get("properties", {})
    if tree.keys() - known.keys():
        raise Refused(400, "invalidParameter")
    return {name: _select(known[name], tree[name], value[name]) for name in tree if name in value}
