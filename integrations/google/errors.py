"""What Google's refusals mean, in one place. No message holds an address, a token or a meeting's title."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from google.auth.exceptions import GoogleAuthError, RefreshError

from integrations.google.wire import UNREACHABLE, Unreached
from integrations.http import retry_after
from tracker.errors import AuthRevoked, BadPayload, ConnectorError, RateLimited, SyncTokenExpired

_SLOW_DOWN = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "calendarUsageLimitsExceeded"})
_USED_UP = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_NOT_ENABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_NO_SCOPE = frozenset({"insufficientPermissions", "insufficientScopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
# "User ID" and "email" of a delegation; the others of a consent whose account is gone or locked.
_NOBODY = ("user id", "invalid email", "account has been deleted", "account disabled", "account suspended")
_TRY_TOMORROW_S = timedelta(hours=6).total_seconds()

RECONNECT = "Google no longer lets us in: the calendar has to be connected again."
NOT_DELEGATED = (
    "Google refuses the service account: its client id has no domain-wide delegation for the scope it needs. "
    "docs/google.md says where the administrator grants it."
)
KEY_REFUSED = (
    "Google refuses the service account's key: it was deleted, or belongs to another account. Make a new key "
    "and set CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE."
)
NO_KEY = (
    "CADENCIA_GOOGLE_SERVICE_ACCOUNT_FILE holds no key of a service account. docs/google.md says where to "
    "download it."
)
CLOCK_OFF = "Google refuses our signature because of its time: the clock of this machine is off."
NO_ACCOUNT = "Google knows no such account, or it is suspended."
SIGN_IN_PAGE = "What answered in Google's place did not send a token."
CLIENT_REFUSED = "Google refuses CADENCIA_GOOGLE_CLIENT_ID or CADENCIA_GOOGLE_CLIENT_SECRET."
NOT_ENABLED = (
    "The project of these credentials has not enabled the Google API that this needs: Calendar, or Meet for "
    "attendance."
)
NO_SCOPE = "What was consented to does not cover this: the calendar has to be connected again."
NO_RIGHT = "This account may not do that with the calendar's events."
NO_CALENDAR = "Google knows no such calendar."
FORGOTTEN = "Google forgot where we were: the calendar is read anew."
CHANGED = "Somebody changed this entry meanwhile."
TAKEN = "There is an entry of that name already."
PUSH_REFUSED = (
    "Google sends no notices to this installation: CADENCIA_BASE_URL has to be an https address that is open "
    "to the internet, with a certificate that Google trusts. Calendars are read by asking instead."
)
SLOW_DOWN = "Google asks us to slow down."
SERVER_FAULT = "Google reports a fault of its own."
REFUSED = "Google did not understand the request."
_CONFLICTS = {409: (TAKEN, "taken"), 412: (CHANGED, "changed")}


class _Reason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    errors: list[_Reason] = []
    details: list[_Reason] = []


class _Envelope(msgspec.Struct):
    error: _Error


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
    """Return what an answer other than 2xx means; `headers` have lower-case names."""
    reasons, wait_s = _reasons(body), retry_after(headers)
    if status == 401:
        return _unauthorised(reasons)
    if status == 429 or (status == 403 and reasons & _SLOW_DOWN):
        return RateLimited(SLOW_DOWN, retry_after_s=wait_s)
    if status == 403 and reasons & _USED_UP:
        return RateLimited(SLOW_DOWN, retry_after_s=max(wait_s or 0.0, _TRY_TOMORROW_S))
    if status == 403:
        return _forbidden(reasons)
    if status == 410 and "deleted" not in reasons:
        return SyncTokenExpired(FORGOTTEN)
    if status in (404, 410):
        return ConnectorError(NO_CALENDAR, code="not_found")
    if status in _CONFLICTS:
        message, code = _CONFLICTS[status]
        return ConnectorError(message, code=code)
    if status >= 500:
        return ConnectorError(SERVER_FAULT, code="server_error", retry_after_s=wait_s)
    if 300 <= status < 400:
        # Nothing of Google's moves; a sign-in page in between does.
        return BadPayload("Something between us and Google answered with a redirect.")
    return ConnectorError(REFUSED, code="refused")


def grant_problem(error: GoogleAuthError) -> ConnectorError:
    """Return what it means that no access token was to be had."""
    if isinstance(error, Unreached):
        return error.problem
    said = error.args[1] if isinstance(error, RefreshError) and len(error.args) > 1 else {}
    if not isinstance(said, dict) or not said:
        return ConnectorError(UNREACHABLE)
    return token_problem(str(said.get("error", "")), str(said.get("error_description", "")))


def token_problem(code: str, description: str) -> ConnectorError:
    """Return what a refusal of the token endpoint means (RFC 6749, section 5.2)."""
    if code == "unauthorized_client":
        return ConnectorError(NOT_DELEGATED, code="not_delegated")
    if code in ("invalid_client", "deleted_client", "disabled_client"):
        return ConnectorError(CLIENT_REFUSED, code="client_refused")
    if code in ("invalid_grant", "invalid_request"):
        problem = _refused_grant(description.lower())
        # That a consent is over is said by one code alone.
        is_sure = code == "invalid_grant" or not isinstance(problem, AuthRevoked)
        return problem if is_sure else ConnectorError(REFUSED, code="refused")
    return ConnectorError(SERVER_FAULT, code="server_error")


def _refused_grant(description: str) -> ConnectorError:
    # The one code stands for many things; only the words behind it tell them apart.
    if "signature" in description or "account not found" in description or "invalid issuer" in description:
        return ConnectorError(KEY_REFUSED, code="key_refused")
    if "timeframe" in description or "short-lived" in description:
        return ConnectorError(CLOCK_OFF, code="clock_off")
    if any(words in description for words in _NOBODY):
        return ConnectorError(NO_ACCOUNT, code="no_account")
    return AuthRevoked(RECONNECT)


def _unauthorised(reasons: frozenset[str]) -> ConnectorError:
    # Google says 401 to an address for notices, too, and then there is nothing wrong with the token.
    if any(reason.startswith(("push.", "webhookUrl")) for reason in reasons):
        return ConnectorError(PUSH_REFUSED, code="push_refused")
    return AuthRevoked(RECONNECT)


def _forbidden(reasons: frozenset[str]) -> ConnectorError:
    if reasons & _NOT_ENABLED:
        return ConnectorError(NOT_ENABLED, code="not_enabled")
    if "notACalendarUser" in reasons:
        return ConnectorError(NO_ACCOUNT, code="no_account")
    if reasons & _NO_SCOPE:
        return AuthRevoked(NO_SCOPE, code="no_scope")
    return ConnectorError(NO_RIGHT, code="no_right")


def _reasons(body: bytes) -> frozenset[str]:
    try:
        error = msgspec.json.decode(body, type=_Envelope).error
    except msgspec.DecodeError:
        return frozenset()
    return frozenset(r.reason for r in (*error.errors, *error.details))
