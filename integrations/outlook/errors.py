"""What Microsoft's refusals mean, in one place. No message holds an address, a token or a meeting's title."""

import re
from collections.abc import Mapping

import msgspec

from integrations.barriers import unreachable
from integrations.http import retry_after
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited, SyncTokenExpired

MICROSOFT = "Microsoft 365"
UNREACHABLE = unreachable(MICROSOFT)
NOT_ACCEPTED = (
    "Microsoft 365 does not accept our token. Do CADENCIA_MICROSOFT_AUTHORITY and CADENCIA_GRAPH_ROOT belong "
    "to the same cloud? docs/microsoft.md lists them."
)
NO_RIGHT = (
    "The application may not read this mailbox: it lacks the role Calendars.Read, or the person is outside "
    "the scope that the administrator gave it. docs/microsoft.md says where that is set."
)
NOT_CONSENTED = (
    "What was allowed for this Outlook calendar does not cover this: it has to be connected again."
)
NOT_ALLOWED = (
    "The application may not do this for this mailbox: it lacks a role for it, or the person is outside the "
    "scope that the administrator gave it. docs/microsoft.md says where that is set."
)
CONNECT_AGAIN = "The consent was withdrawn or has run out: the Outlook calendar has to be connected again."
CONSENT_DENIED = "The consent was not given."
CONSENT_FAILED = (
    "Microsoft's answer to the consent could not be used: it is old, or belongs to another request."
)
CONSENT_BY_ADMIN = "An administrator has to approve this application before people can connect with it."
OTHER_ACCOUNT = "This account does not belong to the company's tenant, or may not use this application."
CHANGED = "The entry was changed in the calendar meanwhile."
NO_ACCOUNT = (
    "Microsoft 365 knows no such mailbox: it was deleted, has no Exchange licence, or its owner signs in "
    "with another address."
)
SUSPENDED = "Microsoft 365 has suspended this account or disabled its mailbox."
NO_EVENT = "Microsoft 365 knows no such event."
FORGOTTEN = "Microsoft 365 forgot where we were: the calendar is read anew."
SLOW_DOWN = "Microsoft 365 asks us to slow down."
SERVER_FAULT = "Microsoft 365 reports a fault of its own."
REFUSED = "Microsoft 365 did not understand the request."
CLIENT_REFUSED = (
    "Microsoft refuses CADENCIA_MICROSOFT_CLIENT_SECRET or the certificate: it belongs to another "
    "application, or was removed from this one."
)
RAN_OUT = (
    "The client secret has expired. Make a new one in the app registration and set "
    "CADENCIA_MICROSOFT_CLIENT_SECRET."
)
CERTIFICATE_EXPIRED = (
    "The certificate has expired, or is not valid yet. Make a new one, upload it to the app registration and "
    "set CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE."
)
NO_CERTIFICATE = (
    "CADENCIA_MICROSOFT_CLIENT_CERTIFICATE_FILE holds no private key with its certificate, both as PEM."
)
WRONG_TENANT = (
    "Microsoft knows no such tenant, or the application is not in it. Check CADENCIA_MICROSOFT_TENANT and "
    "CADENCIA_MICROSOFT_CLIENT_ID."
)
APP_DISABLED = (
    "The application is disabled or blocked in this tenant: an administrator has to allow it again."
)
CLOCK_OFF = "Microsoft refuses our signature because of its time: the clock of this machine is off."

_SUSPENDED = frozenset({"erroraccountsuspend", "accountdisabled", "mailboxdisabled", "erroraccountdisabled"})
_NO_MAILBOX = frozenset({
    "errorinvaliduser", "request_resourcenotfound", "resourcenotfound", "mailboxnotenabledforrestapi",
    "mailboxnotsupportedforrestapi", "mailboxnothostedinexchangeonline", "errormailboxmoveinprogress",
    "errornonexistentmailbox", "usernotfound",
})  # fmt: skip
_SLOW_DOWN = frozenset({
    "toomanyrequests", "applicationthrottled", "mailboxconcurrency", "errorserverbusy",
})  # fmt: skip
# AADSTS numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_GRANTS = {
    7000215: (CLIENT_REFUSED, "app_refused"),
    7000216: (CLIENT_REFUSED, "app_refused"),
    700027: (CLIENT_REFUSED, "app_refused"),
    700030: (CLIENT_REFUSED, "app_refused"),
    7000222: (RAN_OUT, "secret_expired"),
    1000502: (CERTIFICATE_EXPIRED, "certificate_expired"),
    700016: (WRONG_TENANT, "wrong_tenant"),
    7000229: (WRONG_TENANT, "wrong_tenant"),
    90002: (WRONG_TENANT, "wrong_tenant"),
    900023: (WRONG_TENANT, "wrong_tenant"),
    900021: (WRONG_TENANT, "wrong_tenant"),
    7000112: (APP_DISABLED, "app_disabled"),
    53003: (APP_DISABLED, "app_disabled"),
    53011: (APP_DISABLED, "app_disabled"),
    700024: (CLOCK_OFF, "clock_off"),
    500133: (CLOCK_OFF, "clock_off"),
}
# What a person's own consent can fail on, beside what the application is refused for.
_CONSENTS = {
    65004: (CONSENT_DENIED, "consent_denied"),
    65001: (CONSENT_BY_ADMIN, "consent_by_admin"),
    90093: (CONSENT_BY_ADMIN, "consent_by_admin"),
    90094: (CONSENT_BY_ADMIN, "consent_by_admin"),
    90095: (CONSENT_BY_ADMIN, "consent_by_admin"),
    50020: (OTHER_ACCOUNT, "other_account"),
    50105: (OTHER_ACCOUNT, "other_account"),
    50178: (OTHER_ACCOUNT, "other_account"),
    50057: (SUSPENDED, "suspended"),
}
_OVER = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})


class Duplicate(ConnectorError):
    """An entry was written before under the same transaction."""

    code = "refused"


class _Inner(msgspec.Struct):
    code: str | None = None


class _Error(msgspec.Struct):
    code: str | None = None
    inner: _Inner | None = msgspec.field(name="innerError", default=None)


class _Envelope(msgspec.Struct):
    error: _Error


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
    """Return what an answer other than 2xx means; `headers` have lower-case names.

    AuthRevoked stands for a token that was refused: with a fresh one, it is NOT_ACCEPTED.
    """
    codes, wait_s = _codes(body), retry_after(headers)
    if "errorduplicatetransactionid" in codes:
        return Duplicate(REFUSED)
    if status == 410 or (400 <= status < 500 and any(_is_lost_place(code) for code in codes)):
        return SyncTokenExpired(FORGOTTEN)
    if codes & _SUSPENDED:
        return ConnectorError(SUSPENDED, code="suspended")
    if status == 429 or codes & _SLOW_DOWN:
        return RateLimited(SLOW_DOWN, retry_after_s=wait_s)
    if status == 404 or codes & _NO_MAILBOX:
        return _missing(codes)
    if status >= 500:
        return ConnectorError(SERVER_FAULT, code="server_error", retry_after_s=wait_s)
    return _refusal(status, codes)


def _refusal(status: int, codes: frozenset[str]) -> ConnectorError:
    if status == 401:
        return AuthRevoked(NOT_ACCEPTED)
    if status == 403:
        return ConnectorError(NO_RIGHT, code="not_in_scope")
    if status in (409, 412) or "errorirresolvableconflict" in codes:
        return ConnectorError(CHANGED, code="changed")
    if 300 <= status < 400:
        # Nothing of Graph's moves; a sign-in page in between does.
        return BadPayload("Something between us and Microsoft 365 answered with a redirect.")
    return ConnectorError(REFUSED, code="refused")


def for_application(problem: ConnectorError) -> ConnectorError:
    """Return what a refusal means where the application asked: the person can mend nothing of it."""
    if isinstance(problem, AuthRevoked):
        return ConnectorError(NOT_ACCEPTED, code="token_refused")
    return problem


def for_owner(problem: ConnectorError) -> ConnectorError:
    """Return what a refusal means where the mailbox's owner consented: who can mend it is the owner."""
    if isinstance(problem, AuthRevoked):
        return AuthRevoked(CONNECT_AGAIN)
    if problem.code == "not_in_scope":
        return ConnectorError(NOT_CONSENTED, code="no_scope")
    return problem


def as_no_right(problem: ConnectorError) -> ConnectorError:
    """Return a refusal to do more than read, as the ports call it."""
    return ConnectorError(NOT_ALLOWED, code="no_right") if problem.code == "not_in_scope" else problem


def grant_problem(said: Mapping[str, object]) -> ConnectorError:
    """Return what it means that the application got no token; `said` is the token endpoint's answer."""
    if found := _known(said, _GRANTS):
        return found
    if said.get("error") in ("temporarily_unavailable", "server_error"):
        return ConnectorError(SERVER_FAULT, code="server_error")
    return ConnectorError(CLIENT_REFUSED, code="app_refused")


def consent_problem(said: Mapping[str, object]) -> ConnectorError:
    """Return what it means that a consent ended without a token; `said` is Microsoft's answer to it."""
    if found := _known(said, {**_GRANTS, **_CONSENTS}):
        return found
    error = said.get("error")
    if error == "access_denied":
        return ConnectorError(CONSENT_DENIED, code="consent_denied")
    if error == "consent_required":
        return ConnectorError(CONSENT_BY_ADMIN, code="consent_by_admin")
    if error in _OVER:
        return ConnectorError(CONSENT_FAILED, code="consent_failed")
    return grant_problem(said)


def refresh_problem(said: Mapping[str, object]) -> ConnectorError:
    """Return what it means that a consent gave no new token: AuthRevoked where it is over."""
    if found := _known(said, _GRANTS):
        return found
    return AuthRevoked(CONNECT_AGAIN) if said.get("error") in _OVER else grant_problem(said)


def _known(said: Mapping[str, object], meanings: Mapping[int, tuple[str, str]]) -> ConnectorError | None:
    numbers = [int(n) for n in re.findall(r"AADSTS([0-9]{5,8})", str(said.get("error_description", "")))]
    told = said.get("error_codes")
    numbers += [n for n in told if isinstance(n, int)] if isinstance(told, list) else []
    for number in numbers:
        if number in meanings:
            text, code = meanings[number]
            return ConnectorError(text, code=code)
    return None


def _missing(codes: frozenset[str]) -> ConnectorError:
    if codes & _NO_MAILBOX:
        return ConnectorError(NO_ACCOUNT, code="no_account")
    return ConnectorError(NO_EVENT, code="not_found")


def _is_lost_place(code: str) -> bool:
    # syncStateNotFound, SyncStateInvalid, ErrorInvalidSyncStateData, resyncRequired
    return "syncstate" in code or code == "resyncrequired"


def _codes(body: bytes) -> frozenset[str]:
    try:
        error = msgspec.json.decode(body, type=_Envelope).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    told = (error.code, error.inner.code if error.inner else None)
    return frozenset(code.casefold() for code in told if code)
