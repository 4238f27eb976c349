"""Which pairs a command is about: `--pair` and `--program`, as `ledger` and `evidence export` take them."""

import re
from collections.abc import Callable
from typing import TypeVar

import click
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.models import Pair, Program
from tracker.tags import fold

F = TypeVar("F", bound=Callable[..., object])


def pair_options(command: F) -> F:
    """Add `--pair` and `--program`."""
    command = click.option("--program", metavar="NAME", help="Only the pairs of this program.")(command)
    return click.option("--pair", metavar="ID", help="Only this pair, such as p-17.")(command)


def choose_pairs(db: OrmSession, pair: str | None, program: str | None) -> list[int]:
    """Return the ids of the pairs that are meant, in order. Raises BadInput for what is not there."""
    query = select(Pair.id).order_by(Pair.id)
    if program is not None:
        query = query.where(Pair.program_id == find_program(db, program))
    if pair is not None:
        number = pair_number(pair)
        if db.get(Pair, number) is None:
            raise BadInput(f"There is no pair {pair}. `cadencia ledger` lists the pairs.")
        query = query.where(Pair.id == number)
    return list(db.scalars(query))


def find_program(db: OrmSession, name: str) -> int:
    """Return the id of the program of that name; case and accents do not matter. Raises BadInput."""
    programs = {
        fold(known): (program_id, known) for program_id, known in db.execute(select(Program.id, Program.name))
    }
    if fold(name) not in programs:
        known = ", ".join(sorted(known for _, known in programs.values())) or "none yet"
        raise BadInput(f"There is no program {name!r}. Known: {known}.")
    return programs[fold(name)][0]


def pair_number(name: str) -> int:
    """Return the number of `p-17`, `17` or of an agreement `p-17@2026-01-05`. Raises BadInput."""
    match = re.fullmatch(r"(?:p-)?(\d{1,9})(?:@\d{4}-\d\d-\d\d)?", name.strip().lower())
    if match is None:
        raise BadInput(f"{name!r} is not the name of a pair, such as p-17.")
    return int(match[1])
