"""Logs: lines of text, or of JSON, that tell which request or which run of a job they belong to.

Never what an exception says: it may hold an address, a row, or a title. Its kind and its places in the code
have to do. Code that logs keeps to the same rule.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

# What the present work is: `request` or `run` and `job`.
_context: ContextVar[dict[str, str] | None] = ContextVar("cadencia_log_context", default=None)
_Failure = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
FIELDS = "cadencia"  # the name under which `extra` holds more fields


@contextmanager
def logged_as(**fields: str) -> Iterator[None]:
    """Let every line that is logged in the block carry these fields."""
    token = _context.set({**(_context.get() or {}), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def set_up(form: str) -> None:
    """Log to standard error, as `text` or as `json`, from INFO up. Replaces what was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


class _Discreet(logging.Formatter):
    def formatException(self, ei: _Failure) -> str:
        """Return the places of a failure and its kind, without its words."""
        kind, _, trace = ei
        places = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
        return "\n".join([*places, kind.__name__ if kind else ""])


class TextLines(_Discreet):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; its fields stand at its end."""
        said = super().format(record)
        fields = _fields(record)
        return f"{said} {' '.join(f'{k}={v}' for k, v in fields.items())}" if fields else said


class JsonLines(_Discreet):
    """A JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["failure"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {**(_context.get() or {}), **getattr(record, FIELDS, {})}
