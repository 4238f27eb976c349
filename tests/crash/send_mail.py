"""Send what is due at the instant of each line, until somebody kills that process or nothing is left.

python -m tests.crash.send_mail DATABASE_URL MAIL_URL
"""

import functools
import sys
from datetime import datetime

from integrations.mail import open_mailer
from tests.crash.nursery import fork_each
from tracker.services.outbox import send_due
from tracker.store import Store


def send(database_url: str, mail_url: str, now: str) -> None:
    """Send until nothing is due at `now`."""
    store, mailer = Store(database_url), open_mailer(mail_url)
    while send_due(store, mailer, datetime.fromisoformat(now)).sent:
        pass


if __name__ == "__main__":
    fork_each(functools.partial(send, *sys.argv[1:]))
