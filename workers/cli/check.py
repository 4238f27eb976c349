"""`cadencia check`: judge pairs from calendar files. Writes no file, keeps nothing, needs no set-up."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import click
import msgspec
from sqlalchemy import func, select

from integrations.registry import Scratch, open_scratch
from tracker.clock import SystemClock
from tracker.ledger import Ledger, Policy, judge
from tracker.models import Copy, Pair, Session, Standing
from tracker.services import schema
from tracker.services.audit import Act
from tracker.services.checking import Loaded, load_file
from tracker.services.evidence import load_evidence
from tracker.services.importing.pairs_file import PairRow
from tracker.services.sync import SyncResult, sync_all
from tracker.settings import load_settings
from tracker.store import portions
from workers.cli.failures import IN_PART
from workers.cli.output import choose_format, format_option, print_ledgers
from workers.cli.problems import explain_problem
from workers.cli.replay import INSTANT, read_overrides
from workers.cli.setup import read_file
from workers.cli.sync import progress

CHUNK = 500


@click.command()
@click.option("--pairs", "file", required=True, metavar="FILE.csv", help="Pairs with their calendars.")
@click.option("--now", type=INSTANT, help="Read and judge as at this instant; else the clock's.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", callback=read_overrides,
    help="Override a policy key, e.g. --set grace_days=10; may be repeated.",
)  # fmt: skip
@format_option
def check(file: str, now: datetime | None, overrides: dict[str, int | str], form: str | None) -> int:
    """Judge the pairs of FILE.csv from the calendars that it names; no database, no set-up.

    Columns: program,mentor,mentee,timezone,starts_on,ends_on,cadence,mentor_calendar,mentee_calendar. A
    calendar is a path (counted from the file) or an https address, and may be empty. Calendars are trusted:
    a session that ended counts as held unless they say otherwise.
    """
    source = read_file(file)
    at = now or SystemClock().now()
    policy = Policy(**({"unconfirmed_counts_as": "held"} | overrides))  # type: ignore[arg-type]
    scratch = open_scratch(load_settings())
    schema.create_in_memory(scratch.store)
    with scratch.store.write() as db:
        loaded = load_file(db, scratch.vault, source, Act(None, "command", at))
    with progress("calendars") as on_progress:
        results = sync_all(scratch, at, on_progress=on_progress)
    status = _say_unread(loaded, results)
    print_ledgers(_judged(scratch, loaded, at, policy), choose_format(form))
    _say_undecided(scratch)
    scratch.store.close()
    return status


def _judged(scratch: Scratch, loaded: Loaded, at: datetime, policy: Policy) -> list[Ledger]:
    """Judge every line, in the order of the file."""
    ledgers: dict[int, Ledger] = {}
    with scratch.store.read() as db:
        for ids in portions(db.scalars(select(Pair.id)).all(), CHUNK):
            for each in load_evidence(db, ids):
                ledgers[each.agreement_id] = judge(each.evidence, now=at, policy=policy)
    names = _names(loaded.agreements)
    return [msgspec.structs.replace(ledgers[agreement], pair=names[agreement]) for agreement in names]


def _names(agreements: Mapping[int, PairRow]) -> dict[int, str]:
    """Name each line by its two people, as nothing else of it is known outside of this run."""
    taken: dict[str, int] = {}
    for agreement_id, row in agreements.items():
        plain = f"{row.mentor.email}/{row.mentee.email}"
        dated = f"{plain}@{row.starts_on}"
        choices = (plain, dated, f"{row.program}: {dated}", f"line {row.line}")
        taken[next(name for name in choices if name not in taken)] = agreement_id
    return {agreement_id: name for name, agreement_id in taken.items()}


def _say_unread(loaded: Loaded, results: Sequence[SyncResult]) -> int:
    for result in results:
        place = loaded.places[result.calendar_id]
        if result.problem:
            click.echo(f"{place}: {explain_problem(result.problem, result.person)}", err=True)
        for entry in result.set_aside:
            click.echo(f"{place}: {entry.place}: set aside ({entry.issue}).", err=True)
    return IN_PART if any(result.problem for result in results) else 0


def _say_undecided(scratch: Scratch) -> None:
    """Tell of what might be sessions, and does not count here because nobody can be asked."""
    with scratch.store.read() as db:
        suggested = select(func.count()).where(Session.standing == Standing.SUGGESTED)
        untagged = db.scalar(suggested) or 0
        asking = db.scalar(select(func.count()).where(Copy.asks_pair)) or 0
    if untagged:
        click.echo(
            f"Not counted: {untagged} meetings of exactly the two that carry no mark. Put #mentoring in "
            "their titles, or add a word of yours to CADENCIA_TAGS.",
            err=True,
        )
    if asking:
        click.echo(f"Not counted: {asking} marked meetings that may be of several pairs.", err=True)
