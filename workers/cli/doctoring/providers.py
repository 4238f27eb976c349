"""Google and Microsoft, asked for real: what we may do there, what is lacking, and what is more than needed.

Asks, and changes nothing there. Shows rights by the providers' names and never a secret.
"""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from integrations.registry import Ports, ask_time, find_rights, newest_vault
from tracker.errors import AuthRevoked, BadSettings, ConnectorError
from tracker.models import (
    Calendar,
    CalendarStatus,
    Credential,
    CredentialStatus,
    Pair,
    Person,
    Provider,
    PushChannel,
)
from tracker.ports import Vault
from tracker.problems import explain_to_admin
from tracker.services.attendance import count_closed
from tracker.services.resealing import SEALED
from workers.cli.doctoring.finding import Finding, Findings, fine, problem
from workers.cli.doctoring.machine import CLOCK_SLACK
from workers.cli.problems import explain_problem

EXPIRES_SOON = timedelta(days=30)
UNHEARD_AFTER = timedelta(hours=1)
MOST_NAMES = 5
_GUIDES = {Provider.GOOGLE: "docs/google.md", Provider.OUTLOOK: "docs/microsoft.md"}
_NAMES = {Provider.GOOGLE: "Google", Provider.OUTLOOK: "Outlook"}


def check_providers(ports: Ports) -> Findings:
    """Ask each provider that is set up what the company's own access may do, and what time it is."""
    for provider in _set_up(ports):
        try:
            theirs = ask_time(provider, ports.settings)
        except ConnectorError as error:
            yield problem(f"{_NAMES[provider]}: {_why_unreached(error, _GUIDES[provider])}")
            continue
        yield from _compare_clocks(ports, provider, theirs)
        if not _has_company_access(ports, provider):
            yield fine(f"{_NAMES[provider]}: people connect by their own consent; nothing is granted for all")
            continue
        account = _sample(ports, provider)
        if account is None and provider is Provider.GOOGLE:
            yield fine(
                f"{_NAMES[provider]}: set up, and nobody has such a calendar yet, so nothing was tried"
            )
            continue
        try:
            # Microsoft tells what the application may do, and proves its secret, without anybody's address.
            yield from _check_rights(ports, provider, account or "")
        except ConnectorError as error:
            told = explain_problem(error.code, account) if account else f"{explain_to_admin(error.code, '')}."
            yield problem(f"{_NAMES[provider]}: {told}")


def _set_up(ports: Ports) -> Iterable[Provider]:
    settings = ports.settings
    if settings.google_service_account or settings.google_client:
        yield Provider.GOOGLE
    if settings.microsoft:
        yield Provider.OUTLOOK


def _has_company_access(ports: Ports, provider: Provider) -> bool:
    return provider is not Provider.GOOGLE or ports.settings.google_service_account is not None


def _sample(ports: Ports, provider: Provider) -> str | None:
    """Return somebody in a pair whose calendar is read by the company's own access."""
    query = (
        select(Calendar)
        .join(Pair, (Pair.mentor_id == Calendar.person_id) | (Pair.mentee_id == Calendar.person_id))
        .where(
            Calendar.provider == provider,
            Calendar.status == CalendarStatus.CONNECTED,
            Calendar.credential_id.is_(None),
        )
        .order_by(Calendar.id)
    )
    with ports.store.read() as db:
        calendar = db.scalars(query.limit(1)).first()
        return ports.vault.open(calendar.address, calendar.address_binding) if calendar else None


def _check_rights(ports: Ports, provider: Provider, account: str) -> Findings:
    rights = find_rights(provider, account, ports.settings)
    if rights is None:
        return
    name, guide = _NAMES[provider], _GUIDES[provider]
    if provider is Provider.OUTLOOK:
        # What stands in the token was granted in Entra and reaches everybody; what Exchange grants does not.
        yield from _too_wide(name, rights.needed, guide)
    elif rights.needed:
        yield fine(f"{name}: granted and used: {', '.join(rights.needed)}")
    else:
        yield problem(f"{name}: none of the rights that we use is granted. See {guide}")
    if rights.missing and rights.needed:
        yield fine(
            f"{name}: not granted, so we do without: {', '.join(rights.missing)}. {guide} says what for"
        )
    for right in rights.excess:
        yield problem(f"{name}: {right} is granted and more than needed. Take it away: {guide}, fewer rights")


def _too_wide(name: str, granted: tuple[str, ...], guide: str) -> Findings:
    for right in granted:
        if not right.startswith("Calendars."):
            yield fine(f"{name}: granted and used: {right}")
            continue
        yield problem(
            f"{name}: {right} is consented in Entra, where it reaches every mailbox of the tenant. Grant it "
            f"in Exchange for the program's members alone, and remove it in Entra: {guide}, fewer rights"
        )
    if not any(right.startswith("Calendars.") for right in granted):
        yield fine(f"{name}: no calendar of the tenant is open to us but by Exchange, which says whose")


def _compare_clocks(ports: Ports, provider: Provider, theirs: datetime | None) -> Findings:
    """Compare our clock with the provider's: signatures are good for minutes."""
    ours = ports.clock.now()
    if theirs is not None and abs(theirs - ours) > CLOCK_SLACK:
        yield problem(
            f"clock: {_NAMES[provider]} says {theirs:%Y-%m-%d %H:%M} UTC, this machine {ours:%Y-%m-%d %H:%M}"
            ". Let the machine keep time (NTP)"
        )


def check_client(ports: Ports) -> Findings:
    """Ask Google for a token that there can not be: who knows our client refuses the token alone."""
    desk = ports.consents.open(Provider.GOOGLE)
    if desk is None:
        return
    try:
        desk.refresh("none", ports.clock.now())
    except AuthRevoked:
        yield fine("Google: the client id and secret for people's consents are accepted")
    except ConnectorError as error:
        yield problem(f"Google: {explain_to_admin(error.code, '')}. See CADENCIA_GOOGLE_CLIENT_ID")


def _why_unreached(error: ConnectorError, guide: str) -> str:
    if error.code != ConnectorError.code:
        return f"{explain_to_admin(error.code, '')}."
    return f"it could not be reached by https, straight or through HTTPS_PROXY. {guide} names its addresses"


def check_certificate(ports: Ports) -> Findings:
    """Look when the certificate runs out by which Microsoft knows us."""
    app = ports.settings.microsoft
    if app is None or app.certificate is None:
        return
    try:
        certificate = x509.load_pem_x509_certificate(_public_part(app.certificate).encode())
    except ValueError:
        yield problem("certificate: CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE holds none that can be read")
        return
    yield _validity(certificate, ports.clock.now())


def _public_part(pem: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + pem.partition(begin)[2].partition(end)[0] + end + "\n"


def _validity(certificate: x509.Certificate, now: datetime) -> Finding:
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    renew = "Make a new one: docs/microsoft.md, step 2"
    if now < begins:
        return problem(f"certificate: it is good only from {begins:%Y-%m-%d} on. Is the clock right?")
    if now >= ends:
        return problem(f"certificate: it expired on {ends:%Y-%m-%d}. {renew}")
    days = (ends - now).days
    if ends - now < EXPIRES_SOON:
        return problem(f"certificate: expires in {days} days. {renew}")
    return fine(f"certificate: good for {days} days")


def check_consents(ports: Ports) -> Findings:
    """Name whose consent is over: only they can connect again."""
    waiting = (
        select(Person.email)
        .join(Credential, Credential.person_id == Person.id)
        .where(Credential.status == CredentialStatus.REFUSED)
        .distinct()
        .order_by(Person.email)
    )
    active = select(func.count()).where(Credential.status == CredentialStatus.ACTIVE)
    with ports.store.read() as db:
        people, count = db.scalars(waiting).all(), db.scalar(active) or 0
    if people:
        some = ", ".join(people[:MOST_NAMES]) + (", ..." if len(people) > MOST_NAMES else "")
        yield problem(
            f"consents: {len(people)} have to connect their account again ({some}). They were told; until "
            "then their calendars are stale, not empty"
        )
    elif count:
        yield fine(f"consents: {count} in force")


def check_records(ports: Ports) -> Findings:
    """Tell which providers refuse to say who was in an online meeting: then nobody asks them."""
    with ports.store.read() as db:
        closed = count_closed(db)
    for provider, count in sorted(closed.items()):
        yield problem(
            f"meeting records: {_NAMES[provider]} may not tell us who was in a meeting, for {count} accounts."
            f" Grant the right ({_GUIDES[provider]}); it is tried again within a week"
        )


def check_push(ports: Ports) -> Findings:
    """Tell whether providers tell us of changes; whether they reach us, only they can say."""
    if not ports.settings.push:
        return
    now = ports.clock.now()
    with ports.store.read() as db:
        total = db.scalar(select(func.count()).select_from(PushChannel)) or 0
        latest = db.scalar(select(func.max(PushChannel.heard_at)))
        oldest = db.scalar(select(func.min(PushChannel.created_at)).where(PushChannel.heard_at.is_(None)))
    host = urlsplit(ports.settings.base_url).hostname or ""
    if "." not in host or host.endswith((".local", ".internal", ".lan")):
        yield problem(
            f"push: providers can not reach {host}. Give the site a public address, or set CADENCIA_PUSH=off"
        )
    elif latest is None and oldest is not None and now - oldest > UNHEARD_AFTER:
        yield problem(
            f"push: {total} channels are open, and no provider ever reached us. Is the site open to the "
            "Internet? Polling goes on in any case"
        )
    else:
        heard = f"last heard of at {latest:%Y-%m-%d %H:%M} UTC" if latest else "not heard of yet"
        yield fine(f"push: {total} channels, {heard}. Polling goes on in any case")


def check_keys(ports: Ports) -> Findings:
    """Look whether anything is still sealed with an older key."""
    keys = ports.settings.keys
    if len(keys) < 2:
        return
    with ports.store.read() as db:
        old = _count_old(db, newest_vault(ports.settings))
    if old:
        yield problem(
            f"keys: {old} secrets are sealed with an older key. Run `cadencia keys reseal`, then take the "
            "old keys off the list"
        )
    else:
        yield fine("keys: everything is sealed with the newest. The older ones can go")


def _count_old(db: OrmSession, newest: Vault) -> int:
    texts = (
        (text, getattr(row, sealed.binding))
        for sealed in SEALED
        for row in db.scalars(select(sealed.table)).yield_per(500)
        for name in sealed.columns
        if (text := getattr(row, name))
    )
    return sum(not _opens(newest, text, binding) for text, binding in texts)


def _opens(vault: Vault, sealed: str, binding: str) -> bool:
    try:
        vault.open(sealed, binding)
    except BadSettings:
        return False
    return True


def check_proxy(ports: Ports) -> Findings:
    """Name the proxy that stands between us and the providers, and whether its certificates are trusted."""
    named = next((os.environ[n] for n in ("HTTPS_PROXY", "https_proxy") if os.environ.get(n)), None)
    if named is None:
        return
    parts = urlsplit(named if "//" in named else f"//{named}")
    trusts = "CADENCIA_CA_BUNDLE is set" if ports.settings.ca_bundle else "CADENCIA_CA_BUNDLE is not set"
    yield fine(f"proxy: requests go through {parts.hostname}; {trusts}. One that signs TLS anew needs it")
