"""What people see when something fails: what happened, and what to do. Never a traceback, never a secret."""

import contextlib
import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import click

from tracker.errors import BadInput, BadSettings, TrackerError

IN_PART, WRONG, INTERRUPTED = 1, 2, 130


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """End the program with a message and a status where what is inside fails."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Who reads us has enough, as `head` does. Nothing may be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(IN_PART)
    except Exception as error:
        if os.environ.get("CADENCIA_DEBUG") == "1":
            raise
        sys.exit(tell(error))


def tell(error: Exception) -> int:
    """Say what failed on standard error, and return the exit status."""
    for line in explain(error):
        click.echo(line, err=True)
    return WRONG if isinstance(_meaning(error), BadSettings) else IN_PART


def explain(error: Exception) -> list[str]:
    """Return what to tell of `error`, a line each."""
    known = _meaning(error)
    if isinstance(known, BadInput):
        return known.problems
    if known is not None:
        return [f"cadencia: {known}"]
    kind = type(error).__name__
    return [f"cadencia: this should not have happened ({kind}). The details are in {_keep(error)}."]


def _meaning(error: Exception) -> TrackerError | None:
    if isinstance(error, TrackerError):
        return error
    if isinstance(error, OSError):
        return TrackerError(_explain_os(error))
    if type(error).__module__.startswith("sqlalchemy."):
        # Not imported here: replay and the like start without a database.
        from sqlalchemy.exc import SQLAlchemyError

        from tracker.store import explain as explain_database

        return explain_database(error) if isinstance(error, SQLAlchemyError) else None
    return None


def _explain_os(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Make room, then run it again."
    what = (error.strerror or type(error).__name__).lower()
    return f"{error.filename}: {what}." if error.filename else f"The system refused: {what}."


def _keep(error: Exception) -> Path:
    handle, name = tempfile.mkstemp(prefix="cadencia-error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
    return Path(name)
