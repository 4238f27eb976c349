"""For developers: `python -m tracker.migrations MESSAGE` writes a migration for what changed in the models.

Read what it wrote: Alembic sees no renamed column and no data. Until the first release there is one
migration; to write it again, remove it and run `python -m tracker.migrations initial`.
"""

import sys
import tempfile
from pathlib import Path

from tracker.services import schema
from tracker.store import Store


def main(message: str) -> None:
    """Write the migration, and say where it is."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        made = schema.write_migration(store, message)
        store.close()
    text = "\n".join(line for line in made.read_text().splitlines() if not line.strip().startswith("# ###"))
    made.write_text(text + "\n")
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
