"""Comparing names in the database without case and accents, as `tracker.letters` does elsewhere."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from tracker.letters import ACCENTED, BARE


class Bare(GenericFunction[str]):
    """A text column without case and accents: `Bare(Person.name).contains(bare_letters(word))`."""

    type = String()
    inherit_cache = True


@compiles(Bare, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # tracker.store gives every connection the function `bare_letters`.
    return f"bare_letters({compiler.process(element.clauses, **options)})"


@compiles(Bare, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"translate(lower({column}), '{ACCENTED}', '{BARE}')"
