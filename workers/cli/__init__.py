"""The command line: `cadencia COMMAND`. Each command is a module of its own, imported when it is called.

Decides nothing: a command reads its options, calls one service and says what came of it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from workers.cli.failures import guarded

# Name -> module: object, and what the list of commands says. Nothing is imported to show that list.
COMMANDS = {
    "demo": ("workers.cli.demo:demo", "Build a sample company, run everything on it and show the site."),
    "init": ("workers.cli.init:init", "Write a settings file with fresh keys, and create the database."),
    "doctor": ("workers.cli.doctor:doctor", "Check settings, database, mail and calendars, for real."),
    "up": ("workers.cli.up:up", "Run the site and the schedule, for one machine."),
    "worker": ("workers.cli.worker:worker", "Do the schedule's work; as many of them as wanted."),
    "beat": ("workers.cli.worker:beat", "Give out the work to the workers."),
    "alive": ("workers.cli.alive:alive", "Tell whether beat and workers are at work."),
    "people": ("workers.cli.people:people", "People: import them from a file."),
    "pairs": ("workers.cli.pairs:pairs", "Pairs and what they agreed: import them from a file."),
    "programs": ("workers.cli.programs:programs", "The rules of each program: see and change them."),
    "holidays": ("workers.cli.holidays:holidays", "The company's own days off: import them from a file."),
    "calendars": ("workers.cli.calendars:calendars", "See what would be read from a calendar."),
    "sync": ("workers.cli.sync:sync", "Read the calendars now."),
    "review": ("workers.cli.review:review", "Judge the pairs of which something changed, or all."),
    "digest": ("workers.cli.digest:digest", "Write the weekly digest, to files or as mail."),
    "ledger": ("workers.cli.ledger:ledger", "Print the stored ledgers."),
    "evidence": ("workers.cli.evidence:evidence", "Evidence files: export them."),
    "replay": ("workers.cli.replay:replay", "Judge an evidence file under another policy, or another now."),
    "check": ("workers.cli.check:check", "Judge pairs from calendar files, without any set-up."),
    "confirm": ("workers.cli.confirm:confirm", "Record what a participant said of a session."),
    "endpoints": ("workers.cli.endpoints:endpoints", "Chats and programs that are told what is new."),
    "outbox": ("workers.cli.outbox:outbox", "Mail that was given up: try it once more."),
    "backup": ("workers.cli.backup:backup", "Write a consistent copy of the database to a file."),
    "restore": ("workers.cli.backup:restore", "Bring a copy of the database back."),
    "keys": ("workers.cli.keys:keys", "Seal anew what the database keeps sealed, after a new key."),
}


class Commands(click.Group):
    """The commands, found by name; whatever fails is said in words (workers.cli.failures)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}.{_nearest(args[0])} `cadencia --help` lists them.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, *, standalone_mode: bool = True, **extra: Any
    ) -> Any:
        """Run a command, and end with its exit status: 0 done, 1 in part, 2 wrong use or configuration."""
        if not standalone_mode:
            return super().main(args, standalone_mode=False, **extra)
        with guarded():
            status = super().main(args, standalone_mode=False, **extra)
            sys.stdout.flush()
        sys.exit(status if isinstance(status, int) else 0)


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cadencia", prog_name="cadencia", message="%(prog)s %(version)s")
def main() -> None:
    """Cadencia finds the mentoring sessions that were missed and not rescheduled.

    Begin with `cadencia demo`, or with `cadencia init` in an empty folder.
    """
