"""Settings: environment variables `CADENCIA_*`, or the file that `cadencia init` writes.

Never prints or logs a value: a secret that is wrong is named, not shown.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tracker.errors import BadSettings

SETTINGS_FILE = "cadencia.env"
PREFIX = "CADENCIA_"
NAMES = (
    "DATABASE_URL",
    "SECRET_KEYS",
    "BASE_URL",
    "MAIL_URL",
    "MAIL_FROM",
    "TAGS",
    "PROGRAM_ADDRESS",
    "CA_BUNDLE",
    "FEED_HOSTS",
    "PROXIES",
    "SETTINGS",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked and typed. `secret_keys` are Fernet keys, newest first; empty before `init`."""

    database_url: str = "sqlite:///cadencia.sqlite"
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    base_url: str = "http://127.0.0.1:8000"
    mail_url: str = field(default="file:outbox", repr=False)
    mail_from: str = "Cadencia <cadencia@localhost>"
    tags: tuple[str, ...] = ()
    program_address: str | None = None
    ca_bundle: Path | None = None
    feed_hosts: frozenset[str] = frozenset()
    proxies: int = 0  # how many of our own stand before the site: so many forwarded addresses are believed

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the secret keys, or raise BadSettings where there are none."""
        if not self.secret_keys:
            raise BadSettings(
                f"CADENCIA_SECRET_KEYS is not set. Run `cadencia init` in this folder: it writes {SETTINGS_FILE} "
                "with fresh keys. Or set the variable."
            )
        return self.secret_keys

    @property
    def is_https(self) -> bool:
        """Tell whether people reach the site over TLS: then cookies are marked Secure."""
        return self.base_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings: the environment first, then the settings file of `folder`, then the defaults.

    Raises BadSettings, naming the setting, for a value that makes no sense or an unknown CADENCIA_ name.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(PREFIX + "SETTINGS")
    path = Path(named) if named else (folder or Path()) / SETTINGS_FILE
    if named and not path.is_file():
        raise BadSettings(f"CADENCIA_SETTINGS names {path}, but there is no such file.")
    merged = {**(_read_file(path) if path.is_file() else {}), **_ours(environ)}
    values = {name: value for name in NAMES if (value := _value(merged, PREFIX + name)) is not None}
    _refuse_unknown(merged, path)
    return _typed(values)


def _ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}


def _read_file(path: Path) -> dict[str, str]:
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.partition("=")
        if not equals or not name.strip().startswith(PREFIX):
            raise BadSettings(f"{path}, line {number}: expected CADENCIA_NAME=value.")
        values[name.strip()] = value.strip().strip("'\"")
    return {k: v for k, v in values.items() if v}


def _value(merged: Mapping[str, str], name: str) -> str | None:
    # Any setting may come from a file, so that secrets need not stand in the environment.
    if (path := merged.get(name + "_FILE")) and name in merged:
        raise BadSettings(f"Set {name} or {name}_FILE, not both.")
    if not path:
        return merged.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSettings(f"{name}_FILE: {path} can not be read ({error.strerror}).") from None


def _refuse_unknown(merged: Mapping[str, str], path: Path) -> None:
    known = {PREFIX + n for n in NAMES} | {f"{PREFIX}{n}_FILE" for n in NAMES}
    if unknown := sorted(set(_from_file_only(merged, path)) - known):
        raise BadSettings(f"{path}: unknown setting {unknown[0]}. See docs/settings.md for the names.")


def _from_file_only(merged: Mapping[str, str], path: Path) -> list[str]:
    return [name for name in (_read_file(path) if path.is_file() else {}) if name in merged]


def _typed(values: Mapping[str, str]) -> Settings:
    default = Settings()
    return Settings(
        database_url=_database_url(values.get("DATABASE_URL", default.database_url)),
        secret_keys=_words(values.get("SECRET_KEYS", "")),
        base_url=_base_url(values.get("BASE_URL", default.base_url)),
        mail_url=_mail_url(values.get("MAIL_URL", default.mail_url)),
        mail_from=values.get("MAIL_FROM", default.mail_from),
        tags=tuple(t.strip() for t in values.get("TAGS", "").split(",") if t.strip()),
        program_address=values.get("PROGRAM_ADDRESS", "").strip().lower() or None,
        ca_bundle=_existing(values.get("CA_BUNDLE")),
        feed_hosts=frozenset(h.lower() for h in _words(values.get("FEED_HOSTS", ""))),
        proxies=_count("PROXIES", values.get("PROXIES", "0")),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _database_url(url: str) -> str:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSettings("CADENCIA_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    return url


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadSettings(
            "CADENCIA_BASE_URL must be the site's address, such as https://cadencia.example.com."
        )
    return url.rstrip("/")


def _mail_url(url: str) -> str:
    if not url.startswith(("file:", "smtp://", "smtps://")):
        raise BadSettings("CADENCIA_MAIL_URL must begin with file:, smtp:// or smtps://.")
    return url


def _existing(path: str | None) -> Path | None:
    if path and not Path(path).is_file():
        raise BadSettings(f"CADENCIA_CA_BUNDLE: there is no file {path}.")
    return Path(path) if path else None


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 10:
        raise BadSettings(f"CADENCIA_{name} must be a number from 0 to 10.")
    return int(text)
