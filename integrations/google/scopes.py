"""Google's names for what we may be allowed, narrowest first. Never asks for more than one use needs."""

from tracker.ports import Want

_ROOT = "https://www.googleapis.com/auth/"
EVERYTHING = f"{_ROOT}calendar"
_ALL_READABLE = f"{_ROOT}calendar.readonly"

# Each is a ladder: the first that was granted is used.
READING = (
    f"{_ROOT}calendar.events.owned.readonly",
    f"{_ROOT}calendar.events.readonly",
    _ALL_READABLE,
)
WRITING = (f"{_ROOT}calendar.events.owned", f"{_ROOT}calendar.events")
FREE_BUSY = (f"{_ROOT}calendar.freebusy", f"{_ROOT}calendar.events.freebusy", _ALL_READABLE)
ATTENDANCE = (f"{_ROOT}meetings.space.readonly",)
# The number by which meeting records name an account is told to nobody but whoever acts for that account.
IDENTITY = (f"{_ROOT}userinfo.email",)
SIGN_IN = ("openid", "email")

LADDERS = (READING, WRITING, FREE_BUSY, ATTENDANCE, IDENTITY)
# What no use of ours needs, and administrators grant nevertheless.
BROAD = (
    EVERYTHING,
    f"{_ROOT}calendar.acls",
    f"{_ROOT}calendar.settings",
    f"{_ROOT}meetings.space.created",
    f"{_ROOT}meetings.space.settings",
    f"{_ROOT}drive",
    f"{_ROOT}drive.readonly",
    "https://mail.google.com/",
    f"{_ROOT}gmail.readonly",
    f"{_ROOT}contacts.readonly",
    f"{_ROOT}directory.readonly",
    f"{_ROOT}admin.directory.user",
    f"{_ROOT}admin.directory.user.readonly",
    f"{_ROOT}admin.directory.group.readonly",
    f"{_ROOT}admin.reports.audit.readonly",
    f"{_ROOT}cloud-platform",
)

_ASKED = {
    Want.READ: READING[0],
    Want.WRITE: WRITING[0],
    Want.FREE_BUSY: FREE_BUSY[0],
    Want.ATTENDANCE: ATTENDANCE[0],
}
_ENOUGH = {
    Want.READ: (*READING, *WRITING, EVERYTHING),
    Want.WRITE: (*WRITING, EVERYTHING),
    Want.FREE_BUSY: (*FREE_BUSY, EVERYTHING),
    Want.ATTENDANCE: ATTENDANCE,
}


def scopes_for(wants: frozenset[Want]) -> tuple[str, ...]:
    """Return the least that will do for all of `wants`, sorted; who may write need not ask to read."""
    asked = wants - {Want.READ} if Want.WRITE in wants else wants
    return tuple(sorted(_ASKED[want] for want in asked))


def covers(scopes: frozenset[str], want: Want) -> bool:
    """Tell whether one of `scopes` is enough for `want`."""
    return not scopes.isdisjoint(_ENOUGH[want])


def needed(scopes: frozenset[str], wants: frozenset[Want]) -> frozenset[str]:
    """Return the first of `scopes` on the way up that is enough, for each of `wants`."""
    return frozenset(
        next(scope for scope in _ENOUGH[want] if scope in scopes) for want in wants if covers(scopes, want)
    )
