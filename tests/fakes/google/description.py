"""The APIs' own descriptions: which requests there are, and what they and the answers look like."""

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

    def body(self, api: str = "calendar") -> dict[str, Any]:
        """Return the error as the API writes it; newer ones have another form for it."""
        if api == "meet":
            detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason}
            return {"error": {"code": self.status, "message": self.reason, "details": [detail]}}
        error = {"domain": "global", "reason": self.reason, "message": self.reason}
        return {"error": {"errors": [error], "code": self.status, "message": self.reason}}


VERSIONS = {"calendar": "v3", "meet": "v2", "oauth2": "v2"}


@dataclass(frozen=True, slots=True)
class Method:
    """One method of an API, and where it is found."""

    api: str
    id: str
    verb: str
    path: re.Pattern[str]
    about: dict[str, Any]

    @property
    def schemas(self) -> dict[str, Any]:
        """Return the API's schemas."""
        schemas: dict[str, Any] = document(self.api)["schemas"]
        return schemas

    @property
    def response(self) -> dict[str, Any] | None:
        """Return the answer's schema."""
        return self.schemas[self.about["response"]["$ref"]] if "response" in self.about else None

    @property
    def scopes(self) -> frozenset[str]:
        """Return the scopes of which a token needs one."""
        return frozenset(self.about["scopes"])


@functools.cache
def document(api: str) -> dict[str, Any]:
    """Return the description that the client library ships."""
    read: dict[str, Any] = json.loads(get_static_doc(api, VERSIONS[api]))
    return read


@functools.cache
def methods(api: str) -> tuple[Method, ...]:
    """Return all methods."""
    return tuple(
        Method(api, about["id"], about["httpMethod"], _pattern(about.get("flatPath", about["path"])), about)
        for about in _walk(document(api))
    )


def _walk(about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in about.get("resources", {}).values():
        yield from resource.get("methods", {}).values()
        yield from _walk(resource)


def find_method(api: str, verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """Return the method at `path` (below the service's root, still quoted) and the parameters in it."""
    for method in methods(api):
        if method.verb == verb and (match := method.path.fullmatch(path)):
            return method, match.groupdict()
    raise Refused(404, "notFound")


def check_query(method: Method, query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the query's values, typed. Refuses what the method does not know."""
    known = {**document(method.api)["parameters"], **method.about.get("parameters", {})}
    values: dict[str, Any] = {}
    for name, given in query.items():
        about = known.get(name)
        if about is None or about["location"] != "query" or (len(given) > 1 and not about.get("repeated")):
            raise Refused(400, "invalidParameter")
        typed = [_typed(about, text) for text in given]
        values[name] = typed if about.get("repeated") else typed[0]
    return values


def check_body(method: Method, body: Any) -> None:
    """Refuse a body that is not as the description has it; null takes a field away."""
    if "request" in method.about:
        schema = method.schemas[method.about["request"]["$ref"]]
        if list(_defects(method.schemas, schema, _without_nulls(body), "body")):
            raise Refused(400, "invalid")
    elif body:
        raise Refused(400, "parseError")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def check_answer(method: Method, value: Any) -> list[str]:
    """Return what of `value` is not as the schema says: fields that it does not have, and wrong types."""
    if method.response is None:
        return []
    return list(_defects(method.schemas, method.response, value, method.id))


def select_fields(method: Method, mask: str | None, value: Any) -> Any:
    """Return the part of `value` that a `fields` parameter asks for. Refuses names that are none."""
    if not mask or method.response is None:
        return value
    tree, rest = _parse_mask(mask)
    if rest:
        raise Refused(400, "invalidParameter")
    return _select(method.schemas, method.response, tree, value)


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


def _defects(schemas: dict[str, Any], schema: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if not _is_of(kind, schema.get("format"), value):
        yield f"{place} is no {kind}"
    elif kind == "array":
        for number, part in enumerate(value):
            yield from _defects(schemas, schema["items"], part, f"{place}[{number}]")
    elif kind == "object":
        further = schema.get("additionalProperties")
        for name, part in value.items():
            about = schema.get("properties", {}).get(name, further)
            if about is None:
                yield f"{place} has no {name}"
            else:
                yield from _defects(schemas, about, part, f"{place}.{name}")


def _is_of(kind: str, form: str | None, value: Any) -> bool:
    if kind == "string" and isinstance(value, str):
        return _reads_as(form, value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    types = {"boolean": bool, "object": dict, "array": list, "number": float, "any": object}
    return kind in types and isinstance(value, types[kind])


def _reads_as(form: str | None, text: str) -> bool:
    try:
        if form in ("date-time", "google-datetime"):
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


def _select(schemas: dict[str, Any], schema: dict[str, Any], tree: _Tree, value: Any) -> Any:
    if not tree:
        return value
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema.get("type") == "array":
        return [_select(schemas, schema["items"], tree, part) for part in value]
    known = schema.get("properties", {})
    if tree.keys() - known.keys():
        raise Refused(400, "invalidParameter")
    return {name: _select(schemas, known[name], tree[name], value[name]) for name in tree if name in value}
