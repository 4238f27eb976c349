"""What the demo shows at its end: every pair's ledger by name, the week's digest, and who can sign in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from integrations.registry import Ports
from tracker.ledger import Ledger, decode_ledger
from tracker.models import Agreement, LedgerRow, Person
from tracker.services.digest.building import build_digest, find_programs, span_of
from tracker.services.digest.post import Post, digest_readers, enqueue_digest
from tracker.services.outbox import send_due
from tracker.services.signin import sign_in_link
from workers.demo.cast import CAST, DEMO_MENTEE, DEMO_MENTOR, HR

LINKS_LAST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody as whom one can look at the site."""

    role: str
    name: str
    link: str


def named_ledgers(db: OrmSession) -> Iterator[Ledger]:
    """Yield the stored ledgers with the two's names in place of the pair's number."""
    rows = db.scalars(select(LedgerRow).join(Agreement).order_by(Agreement.pair_id, Agreement.starts_on))
    for row in rows:
        ledger, pair = decode_ledger(row.document), row.agreement.pair
        yield replace(ledger, pair=f"{ledger.pair}  {pair.mentor.name}, {pair.mentee.name}")


def send_mails(ports: Ports, now: datetime) -> None:
    """Write the digest of the latest week for every program and reader, and send it with all that waits."""
    settings = ports.settings
    post = Post(ports.writer, settings.mail_from, settings.base_url)
    with ports.store.write() as db:
        for program in find_programs(db):
            digest = build_digest(db, program, span_of(db, program, None, now))
            enqueue_digest(db, post, digest, digest_readers(db), now)
    send_due(ports.store, ports.mailer, now)


def mails_of(folder: Path, kind: str) -> list[Path]:
    """Return the mails of that kind in the demo's outbox, the fullest first."""
    return sorted((folder / "outbox").glob(f"{kind}.*.eml"), key=lambda path: (-path.stat().st_size, path))


def guests(ports: Ports, now: datetime) -> list[Guest]:
    """Return sign-in links for one of HR, a mentor and a mentee; they can be used again and again."""
    roles = (("HR", HR), ("a mentor", DEMO_MENTOR), ("a mentee", DEMO_MENTEE))
    with ports.store.read() as db:
        return [Guest(role, name, _link(db, ports, name, now)) for role, name in roles]


def _link(db: OrmSession, ports: Ports, name: str, now: datetime) -> str:
    person = db.scalars(select(Person).where(Person.email == CAST[name].email)).one()
    return sign_in_link(ports.settings, person, now, lasting=LINKS_LAST, once=False)
