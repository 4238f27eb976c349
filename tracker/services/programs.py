"""A program's own rules: how its sessions are judged, and what may be read for it. Judges nothing itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from tracker.errors import BadInput
from tracker.ledger import Policy
from tracker.models import Pair, Program
from tracker.services.audit import Act, record
from tracker.services.connections import read_soon
from tracker.services.message import is_address
from tracker.services.review import touch_pairs
from tracker.tags import normal_address


@dataclass(frozen=True, slots=True)
class Rules:
    """What is to be changed; None leaves a rule as it is, an empty `address` takes the address away.

    `policy` holds keys of tracker.ledger.Policy; a key whose value is the usual one is not kept.
    """

    address: str | None = None
    suggests_untagged: bool | None = None
    reads_absences: bool | None = None
    reads_attendance: bool | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)


# What is looked for in calendars depends on these: they are read anew.
_READING = ("address", "suggests_untagged", "reads_absences")


def change_program(db: OrmSession, program: Program, rules: Rules, act: Act) -> list[str]:
    """Change a program's rules, and return the names of those that are other ones now.

    All its pairs are judged anew, and their calendars read where what is looked for changed. Raises BadInput
    for an address or a policy that makes no sense.
    """
    wanted = {name: value for name, value in asdict(rules).items() if value is not None and name != "policy"}
    if "address" in wanted:
        wanted["address"] = _address(wanted["address"])
    wanted["policy"] = _policy({**program.policy, **rules.policy})
    changed = [name for name, value in wanted.items() if getattr(program, name) != value]
    for name in changed:
        setattr(program, name, wanted[name])
    if changed:
        _have_effect(db, program, changed, act)
        record(db, act, "program.changed", f"program:{program.id}", rules=changed)
    return changed


def _have_effect(db: OrmSession, program: Program, changed: list[str], act: Act) -> None:
    pairs = db.execute(
        select(Pair.id, Pair.mentor_id, Pair.mentee_id).where(Pair.program_id == program.id)
    ).all()
    if any(name in changed for name in _READING):
        read_soon(db, [person for pair in pairs for person in (pair.mentor_id, pair.mentee_id)], act)
    touch_pairs(db, [pair.id for pair in pairs], act.at)


def _address(text: str) -> str | None:
    address = normal_address(text)
    if address and not is_address(address):
        raise BadInput(f"{text!r} is no mail address.")
    return address or None


def _policy(keys: Mapping[str, Any]) -> dict[str, Any]:
    try:
        policy = msgspec.convert(keys, Policy)
    except msgspec.ValidationError as error:
        raise BadInput(f"The policy makes no sense: {str(error).partition(' - at')[0]}.") from None
    usual = Policy()
    return {key: value for key in sorted(keys) if (value := getattr(policy, key)) != getattr(usual, key)}
