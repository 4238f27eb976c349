"""Where the demo plays: its folder, its settings, its keys, its database. Ignores the settings around it."""

from dataclasses import replace
from pathlib import Path

from integrations.registry import Ports, new_key, open_ports
from tracker.ports import Clock
from tracker.services import schema
from tracker.settings import SETTINGS_FILE, Settings, load_settings
from workers.demo.cast import PROGRAM_ADDRESS
from workers.demo.folder import claim_folder

DATABASE = "cadencia.sqlite"

_SETTINGS = """\
# The settings of this demo. For a program of your own, `cadencia init` writes better ones.
CADENCIA_SECRET_KEYS={key}
CADENCIA_DATABASE_URL=sqlite:///{database}
CADENCIA_BASE_URL={base_url}
CADENCIA_MAIL_URL=file:outbox
CADENCIA_MAIL_FROM=Cadencia <{address}>
CADENCIA_PROGRAM_ADDRESS={address}
"""


def set_stage(folder: Path, base_url: str, clock: Clock) -> Ports:
    """Make the folder a fresh demo and return its ports. Raises BadSettings where it is none of ours."""
    claim_folder(folder)
    path = folder / SETTINGS_FILE
    for private in (path, folder / DATABASE):
        private.touch(mode=0o600)
    path.write_text(
        _SETTINGS.format(key=new_key(), database=DATABASE, base_url=base_url, address=PROGRAM_ADDRESS)
    )
    ports = open_ports(_from_here(load_settings({}, folder), folder.resolve()), clock)
    schema.upgrade(ports.store)
    return ports


def _from_here(settings: Settings, folder: Path) -> Settings:
    # The file's paths count from the folder that one works in; we are not in it.
    return replace(
        settings,
        database_url=f"sqlite:///{folder / DATABASE}",
        mail_url=f"file:{folder / 'outbox'}",
    )
