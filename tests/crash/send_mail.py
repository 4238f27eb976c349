"""Send what is due, again and again, until somebody kills this process or nothing is left.

python -m tests.crash.send_mail DATABASE_URL MAIL_URL NOW
"""

import sys
from datetime import datetime

from integrations.mail import open_mailer
from tracker.services.outbox import send_due
from tracker.store import Store


def main(database_url: str, mail_url: str, now: str) -> None:
    """Send until nothing is due at `now`."""
    store, mailer = Store(database_url), open_mailer(mail_url)
    while send_due(store, mailer, datetime.fromisoformat(now)).sent:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
