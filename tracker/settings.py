"""Settings: environment variables `CADENCIA_*`, or the file that `cadencia init` writes.

Never prints or logs a value: a secret that is wrong is named, not shown.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
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
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_API_ROOT",
    "GOOGLE_AUTH_ROOT",
    "GOOGLE_TOKEN_ROOT",
    "GOOGLE_MEET_ROOT",
    "GOOGLE_REQUESTS_A_DAY",
    "MICROSOFT_TENANT",
    "MICROSOFT_CLIENT_ID",
    "MICROSOFT_CLIENT_SECRET",
    "MICROSOFT_CLIENT_CERTIFICATE",
    "MICROSOFT_AUTHORITY",
    "GRAPH_ROOT",
    "MAILBOX_URL",
    "PUSH",
    "BROKER_URL",
    "NUDGES_A_WEEK",
    "LOG_FORMAT",
    "MONITOR_URL",
    "METRICS_TOKEN",
    "SETTINGS",
)
# Names that the settings file may have already, for what later versions do with them.
LATER = (
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
)
_GOOGLE_ROOTS = ("API_ROOT", "AUTH_ROOT", "TOKEN_ROOT", "MEET_ROOT")
# Not settings of the product: for finding errors, and for tests.
OTHERS = ("DEBUG", "REQUIRE_BROWSER")


@dataclass(frozen=True, slots=True)
class MicrosoftApp:
    """The app registration that reads Outlook calendars; `certificate` is PEM with its private key."""

    tenant: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    authority: str | None = None  # None: Microsoft's own, worldwide


@dataclass(frozen=True, slots=True)
class GoogleClient:
    """The OAuth client at which people consent to have their Google calendars read."""

    client_id: str
    client_secret: str = field(repr=False)


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
    google_service_account: str | None = field(default=None, repr=False)  # its key, as Google's JSON
    google_client: GoogleClient | None = None
    google_api_root: str | None = None  # None: Google's own, as for the next three
    google_auth_root: str | None = None
    google_token_root: str | None = None
    google_meet_root: str | None = None
    google_requests_a_day: int = 900_000  # of readings, by all together; 0: as many as there are
    microsoft: MicrosoftApp | None = None
    graph_root: str | None = None  # None: Microsoft's own, worldwide
    mailbox_url: str | None = field(default=None, repr=False)  # imap(s)://user:password@host/folder
    push: bool = False  # ask providers to tell us of changes
    broker_url: str | None = field(default=None, repr=False)  # None: the schedule of `cadencia up`
    nudges_a_week: int = 3  # letters to one person at most, not counting those that were asked for
    log_format: str = "text"
    monitor_url: str | None = field(default=None, repr=False)  # pinged while all is well
    metrics_token: str | None = field(default=None, repr=False)
    proxies: int = 0  # how many of our own stand before the site: so many forwarded addresses are believed

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the secret keys, or raise BadSettings where there are none."""
        if not self.secret_keys:
            raise BadSettings(
                "CADENCIA_SECRET_KEYS is not set. Run `cadencia init`: it writes a settings file "
                f"with fresh keys, {SETTINGS_FILE}, into this folder."
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
    written = _read_file(path) if path.is_file() else {}
    ours = {k: v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
    # A secret may stand in the file as a value and come from the environment as NAME_FILE, or the reverse.
    said = {_bare(name) for name in ours}
    merged = {**{k: v for k, v in written.items() if _bare(k) not in said}, **ours}
    return _typed({name: v for name in NAMES if (v := _value(merged, PREFIX + name)) is not None})


def unused_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the CADENCIA_ variables of the environment that no setting has: typing errors, most likely."""
    environ = os.environ if environ is None else environ
    return sorted(n for n in environ if n.startswith(PREFIX) and _bare(n) not in {*NAMES, *LATER, *OTHERS})


def _bare(name: str) -> str:
    return name.removeprefix(PREFIX).removesuffix("_FILE")


def _read_file(path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(_text(path, str(path)).splitlines(), 1):
        bare = line.strip().removeprefix("export ")
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in bare.partition("="))
        if not equals or not name.startswith(PREFIX):
            raise BadSettings(f"{path}, line {number}: write CADENCIA_NAME=value.")
        if name in values:
            raise BadSettings(f"{path}, line {number}: {name} stands there twice.")
        if _bare(name) not in {*NAMES, *LATER} - {"SETTINGS"}:
            near = get_close_matches(_bare(name), NAMES, n=1)
            hint = f" Did you mean {PREFIX}{near[0]}?" if near else ""
            raise BadSettings(
                f"{path}, line {number}: there is no setting {name}.{hint} See docs/settings.md."
            )
        values[name] = _unquoted(value)
    return {k: v for k, v in values.items() if v}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadSettings(f"{name}: {path} can not be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{name}: {path} is not text in UTF-8.") from None


def _value(merged: Mapping[str, str], name: str) -> str | None:
    # Any setting may come from a file, so that secrets need not stand in the environment.
    if (path := merged.get(name + "_FILE")) and name in merged:
        raise BadSettings(f"Set {name} or {name}_FILE, not both.")
    return _text(Path(path), name + "_FILE").strip() if path else merged.get(name)


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
        ca_bundle=_ca_bundle(values.get("CA_BUNDLE")),
        feed_hosts=frozenset(h.lower() for h in _words(values.get("FEED_HOSTS", ""))),
        google_service_account=_service_account(values.get("GOOGLE_SERVICE_ACCOUNT")),
        google_client=_google_client(values),
        **{f"google_{n.lower()}": _root(f"GOOGLE_{n}", values.get(f"GOOGLE_{n}")) for n in _GOOGLE_ROOTS},
        google_requests_a_day=_number("GOOGLE_REQUESTS_A_DAY", values, default.google_requests_a_day),
        microsoft=_microsoft(values),
        graph_root=_root("GRAPH_ROOT", values.get("GRAPH_ROOT")),
        mailbox_url=_mailbox_url(values.get("MAILBOX_URL")),
        push=_push(values),
        broker_url=_broker_url(values.get("BROKER_URL")),
        nudges_a_week=_count("NUDGES_A_WEEK", values.get("NUDGES_A_WEEK", "3")),
        log_format=_one_of("LOG_FORMAT", values.get("LOG_FORMAT", "text"), ("text", "json")),
        monitor_url=_root("MONITOR_URL", values.get("MONITOR_URL")),
        metrics_token=values.get("METRICS_TOKEN"),
        proxies=_count("PROXIES", values.get("PROXIES", "0")),
    )


def _google_client(values: Mapping[str, str]) -> GoogleClient | None:
    client_id, secret = values.get("GOOGLE_CLIENT_ID"), values.get("GOOGLE_CLIENT_SECRET")
    if bool(client_id) != bool(secret):
        raise BadSettings(
            "Set both CADENCIA_GOOGLE_CLIENT_ID and CADENCIA_GOOGLE_CLIENT_SECRET, or neither. "
            "docs/google.md says where they come from."
        )
    return GoogleClient(client_id, secret) if client_id and secret else None


def _push(values: Mapping[str, str]) -> bool:
    # Providers deliver to public https addresses alone; by default we ask only where there may be one.
    word = _one_of("PUSH", values.get("PUSH", "auto"), ("auto", "on", "off"))
    is_https = values.get("BASE_URL", "").startswith("https://")
    if word == "on" and not is_https:
        raise BadSettings("CADENCIA_PUSH=on needs a CADENCIA_BASE_URL with https://, open to the provider.")
    return is_https and word != "off"


def _mailbox_url(url: str | None) -> str | None:
    if url and not (url.startswith(("imap://", "imaps://")) and urlsplit(url).hostname):
        raise BadSettings("CADENCIA_MAILBOX_URL must be like imaps://user:password@host/INBOX.")
    return url


def _broker_url(url: str | None) -> str | None:
    if url and not url.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
        raise BadSettings("CADENCIA_BROKER_URL must begin with redis:// or rediss://.")
    return url


def _one_of(name: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise BadSettings(f"CADENCIA_{name} must be one of: {', '.join(known)}.")
    return word


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _database_url(url: str) -> str:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSettings("CADENCIA_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    if url in ("sqlite:///", "sqlite:///:memory:"):
        raise BadSettings("CADENCIA_DATABASE_URL must name a file: sqlite:///cadencia.sqlite.")
    return url


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadSettings(
            "CADENCIA_BASE_URL must be the site's address, such as https://cadencia.example.com."
        )
    return url.rstrip("/")


def _service_account(key: str | None) -> str | None:
    try:
        known = json.loads(key) if key else {}
    except ValueError:
        known = None
    wanted = {"client_email", "private_key", "token_uri"}
    if key and not (isinstance(known, dict) and wanted <= known.keys()):
        raise BadSettings(
            "CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE holds no key of a service account. Download it as JSON: "
            "docs/google.md says where."
        )
    return key


def _microsoft(values: Mapping[str, str]) -> MicrosoftApp | None:
    named = {name: values.get("MICROSOFT_" + name) for name in ("TENANT", "CLIENT_ID")}
    secret, certificate = (values.get("MICROSOFT_CLIENT_" + name) for name in ("SECRET", "CERTIFICATE"))
    authority = _root("MICROSOFT_AUTHORITY", values.get("MICROSOFT_AUTHORITY"))
    if not any([*named.values(), secret, certificate]):
        return None
    tenant, client_id = named["TENANT"], named["CLIENT_ID"]
    if not tenant or not client_id or not (secret or certificate):
        raise BadSettings(
            "Outlook calendars need CADENCIA_MICROSOFT_TENANT, CADENCIA_MICROSOFT_CLIENT_ID and one of "
            "CADENCIA_MICROSOFT_CLIENT_SECRET and CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE. "
            "docs/microsoft.md says where they come from."
        )
    if not re.fullmatch(r"[A-Za-z0-9.-]+", tenant):
        raise BadSettings("CADENCIA_MICROSOFT_TENANT must be the tenant's id or one of its domains.")
    if authority and not authority.startswith("https://"):
        raise BadSettings("CADENCIA_MICROSOFT_AUTHORITY must begin with https://.")
    if certificate and not (
        "PRIVATE KEY-----" in certificate and "-----BEGIN CERTIFICATE-----" in certificate
    ):
        raise BadSettings(
            "CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE must hold private key and certificate, as PEM."
        )
    return MicrosoftApp(tenant, client_id, secret, certificate, authority)


def _root(name: str, url: str | None) -> str | None:
    if url is not None and (not url.startswith(("http://", "https://")) or not urlsplit(url).hostname):
        raise BadSettings(f"CADENCIA_{name} must be an address, such as https://www.googleapis.com.")
    return url.rstrip("/") if url else None


def _mail_url(url: str) -> str:
    if not url.startswith(("file:", "smtp://", "smtps://")):
        raise BadSettings("CADENCIA_MAIL_URL must begin with file:, smtp:// or smtps://.")
    return url


def _ca_bundle(path: str | None) -> Path | None:
    if not path:
        return None
    if not Path(path).is_file():
        raise BadSettings(f"CADENCIA_CA_BUNDLE: there is no file {path}.")
    try:
        content = Path(path).read_bytes()  # comments in such files are in whatever encoding
    except OSError as error:
        raise BadSettings(f"CADENCIA_CA_BUNDLE: {path} can not be read ({error.strerror}).") from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise BadSettings(f"CADENCIA_CA_BUNDLE: {path} holds no certificate, as PEM.")
    return Path(path)


def _number(name: str, values: Mapping[str, str], default: int) -> int:
    text = values.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadSettings(f"CADENCIA_{name} must be a number, such as {default}; 0 is for no limit.")
    return int(text)


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 10:
        raise BadSettings(f"CADENCIA_{name} must be a number from 0 to 10.")
    return int(text)
