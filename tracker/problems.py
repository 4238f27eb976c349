"""What the codes of a calendar's problem mean: for its owner, and for whoever runs the installation.

One table for the site, for mails and for the command line. It holds no address and names nobody.
"""

from dataclasses import dataclass
from enum import StrEnum

from tracker.wording import N_


class Mend(StrEnum):
    """What its owner can do about a problem. Where it is NOTHING, time or an administrator mends it."""

    CONNECT = "connect"  # consent once more
    ADDRESS = "address"  # give the feed's new address
    ACCEPT = "accept"  # say whether very many sessions are really gone
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in words. `owner` is for the calendar's owner: whole sentences, what it is and what to do.

    `admin` continues a line such as "The calendar of ana@example.com: "; it has no full stop at its end, and
    may have a place for `person`, the owner's address.
    """

    owner: str
    admin: str
    mend: Mend = Mend.NOTHING


_CONNECT, _ADDRESS = Mend.CONNECT, Mend.ADDRESS
_BY_ITSELF = N_(
    "It has trouble of its own right now. We try again by ourselves; there is nothing you need to do."
)
_ADMIN_MENDS = N_(
    "Something in how Cadencia is set up at your company keeps us from reading it. The people who run it are "
    "told; there is nothing you need to do."
)

PROBLEMS: dict[str, Problem] = {
    "unreachable": Problem(
        N_(
            "It could not be reached. We try again by ourselves. If that lasts, check whether its "
            "address is right."
        ),
        N_("it could not be reached. Check the address or the path, and the network"),
        _ADDRESS,
    ),
    "untrusted": Problem(
        N_(
            "What answered could not prove that it is your calendar's server, so nothing was read. The "
            "people who run Cadencia can look into it; there is nothing you need to do."
        ),
        N_(
            "what answered shows a certificate that is not trusted here: it has expired, is another name's, "
            "or a proxy in between signs TLS anew. CADENCIA_CA_BUNDLE names the certificates of such a proxy"
        ),
    ),
    "proxy_refused": Problem(
        _ADMIN_MENDS,
        N_(
            "the proxy in between does not let us through: it may want a name and a password. Check "
            "HTTPS_PROXY, and what the proxy allows"
        ),
    ),
    "not_found": Problem(
        N_("There is no calendar at its address any more. Connect it again with its present address."),
        N_("there is nothing at its address or path. Check it"),
        _ADDRESS,
    ),
    "not_a_calendar": Problem(
        N_(
            "What is at its address is not a calendar: often it is a sign-in page. Give us the "
            "calendar's own address."
        ),
        N_("what is there is not a calendar. Check the address: it may show a sign-in page"),
        _ADDRESS,
    ),
    "not_available": Problem(
        _ADMIN_MENDS,
        N_("calendars of its provider are not set up here. See docs/settings.md, or use a feed"),
    ),
    "no_file": Problem(
        _ADMIN_MENDS,
        N_("there is no file at its path that can be read. Check the path and who may read it"),
    ),
    "bad_address": Problem(
        N_("Its address can not be one: it has to begin with https://."),
        N_("its address can not be one. Check it; it has to begin with https://"),
        _ADDRESS,
    ),
    "refused": Problem(
        N_("Its server does not give it to us any more. Perhaps it has a new address: give us that one."),
        N_("its server refuses to give it. Check the address: its owner may have made a new one"),
        _ADDRESS,
    ),
    "server_error": Problem(_BY_ITSELF, N_("its server has trouble of its own. It is read again later")),
    "cut_off": Problem(_BY_ITSELF, N_("it came incomplete. It is read again later")),
    "too_large": Problem(
        N_("It is too large to be one person's calendar. Check whether its address is right."),
        N_("it is too large to be one person's calendar. Check the address"),
        _ADDRESS,
    ),
    "reconnect": Problem(
        N_(
            "Its provider no longer lets us read it. Connect it again: it takes a minute, and nothing is "
            "lost."
        ),
        N_("it is no longer shared with us. Its owner has to connect it again"),
        _CONNECT,
    ),
    "rate_limited": Problem(
        N_("Its provider asks us to slow down. We read it again soon; there is nothing you need to do."),
        N_("its provider asks us to slow down. It is read again later"),
    ),
    "token_expired": Problem(
        N_("Its provider lost our place. We read it anew; there is nothing you need to do."),
        N_("its provider lost our place. It is read anew at the next time"),
    ),
    "no_account": Problem(
        N_(
            "Its provider knows no such account. Did your address change? Then connect the calendar you "
            "use now."
        ),
        N_("its provider knows no such account, or it is suspended. Check the person's address"),
        _CONNECT,
    ),
    "no_right": Problem(
        N_(
            "We see only when you are busy, or nothing at all. Connect the calendar with your own "
            "account, or "
            "share all its details."
        ),
        N_("we see only when its owner is busy, or nothing. It has to be shared with all details"),
        _CONNECT,
    ),
    "no_scope": Problem(
        N_(
            "What you allowed does not include reading your calendar. Connect it again, and leave that "
            "box ticked."
        ),
        N_("what was allowed does not cover reading events. It has to be connected again"),
        _CONNECT,
    ),
    "not_delegated": Problem(
        _ADMIN_MENDS, N_("the service account may not act for your people. docs/google.md, step 4")
    ),
    "not_enabled": Problem(
        _ADMIN_MENDS, N_("the Google Calendar API is not enabled. docs/google.md, step 1")
    ),
    "key_refused": Problem(
        _ADMIN_MENDS, N_("Google refuses the service account's key. docs/google.md, step 3")
    ),
    "client_refused": Problem(_ADMIN_MENDS, N_("Google refuses our client id or secret. docs/settings.md")),
    "not_in_scope": Problem(
        _ADMIN_MENDS, N_("the application may not read this mailbox. docs/microsoft.md, steps 3 and 4")
    ),
    "suspended": Problem(
        N_("Microsoft 365 has suspended your account or mailbox. Your IT department can lift that."),
        N_("Microsoft 365 has suspended its owner's account or mailbox. An administrator can lift that"),
    ),
    "app_refused": Problem(
        _ADMIN_MENDS, N_("Microsoft refuses our client secret or certificate. docs/microsoft.md, step 2")
    ),
    "secret_expired": Problem(_ADMIN_MENDS, N_("our client secret has expired. docs/microsoft.md, step 2")),
    "certificate_expired": Problem(
        _ADMIN_MENDS, N_("our certificate has expired, or is not valid yet. docs/microsoft.md, step 2")
    ),
    "wrong_tenant": Problem(
        _ADMIN_MENDS,
        N_("Microsoft knows no such tenant, or not our application in it. docs/microsoft.md, step 1"),
    ),
    "app_disabled": Problem(
        _ADMIN_MENDS,
        N_("our application is disabled or blocked in the tenant. An administrator can allow it"),
    ),
    "token_refused": Problem(
        _ADMIN_MENDS, N_("Microsoft Graph does not accept our token. docs/microsoft.md, national clouds")
    ),
    "clock_off": Problem(
        _ADMIN_MENDS, N_("the clock of this machine is off, so signatures are refused. Set it")
    ),
    "mass_removal": Problem(
        N_(
            "Very many of your sessions are suddenly gone from it. We changed nothing: first tell us if "
            "that is right."
        ),
        N_(
            "very many sessions are gone from it. If that is right: cadencia sync --person %(person)s "
            "--accept-removals"
        ),
        Mend.ACCEPT,
    ),
    "internal": Problem(
        N_("Reading it failed for a reason of our own. We try again; there is nothing you need to do."),
        N_("reading it failed for a reason of our own. The log says more"),
    ),
    "mailbox_login": Problem(
        _ADMIN_MENDS, N_("the program's mailbox refuses our user name or password. CADENCIA_MAILBOX_URL")
    ),
    "mailbox_token": Problem(
        _ADMIN_MENDS,
        N_("the program's mailbox refuses our application. docs/mailbox.md says which rights it needs"),
    ),
    "mailbox_folder": Problem(
        _ADMIN_MENDS, N_("the program's mailbox has no such folder. CADENCIA_MAILBOX_URL")
    ),
    "mailbox_stale": Problem(
        N_(
            "The program's mailbox was not read lately, so invitations may be missing here. There is "
            "nothing you need to do."
        ),
        N_("the program's mailbox was not read lately. `cadencia doctor` says why"),
    ),
    "consent_denied": Problem(
        N_("You chose not to allow it, so nothing was changed. You can change your mind any time."),
        N_("its owner did not allow it"),
        _CONNECT,
    ),
    "consent_failed": Problem(
        N_(
            "The answer could not be used; that happens when a page stays open for long. Please try once "
            "more."
        ),
        N_("the provider's answer to the consent could not be used. Its owner can try again"),
        _CONNECT,
    ),
    "consent_partial": Problem(
        N_(
            "What you allowed does not include reading your calendar. Connect it again, and leave that "
            "box ticked."
        ),
        N_("what its owner allowed does not cover reading events. It has to be connected again"),
        _CONNECT,
    ),
    "consent_blocked": Problem(
        N_(
            "Your company does not let people connect Cadencia by themselves. Ask your IT department to "
            "allow it."
        ),
        N_("the company's rules at Google block our client. docs/google.md"),
    ),
    "consent_by_admin": Problem(
        N_("An administrator at your company has to approve Cadencia first. Ask your IT department."),
        N_("an administrator has to approve the application first. docs/microsoft.md"),
    ),
    "other_account": Problem(
        N_("That account is not one of your company's. Sign in there with your work account, and try again."),
        N_("that account does not belong to the tenant, or may not use the application. docs/microsoft.md"),
        _CONNECT,
    ),
    "changed": Problem(
        N_("The entry was changed in the calendar meanwhile. Look at it there first."),
        N_("an entry was changed in the calendar while we wrote it. It is looked at again"),
    ),
    "taken": Problem(
        N_("The entry is in the calendar already."),
        N_("an entry of that name is there already. It is looked at again"),
    ),
    "push_refused": Problem(
        N_(
            "It is read by the hour, because its provider can not tell us of changes. There is nothing "
            "you need to do."
        ),
        N_("its provider does not take our address for notices. It is polled instead. docs/operations.md"),
    ),
}
# What only the people who run the installation can mend: they are written to (services.alarms).
FOR_ADMIN = frozenset(code for code, problem in PROBLEMS.items() if problem.owner == _ADMIN_MENDS)
_OTHER = Problem(_BY_ITSELF, N_("it could not be read (%(code)s)"))


def problem_of(code: str) -> Problem:
    """Return what the code means; a code that nobody has words for is at least named to the administrator."""
    return PROBLEMS.get(code, _OTHER)


def explain_to_admin(code: str, person: str) -> str:
    """Return the English for the command line, without a full stop; `person` is the owner's address."""
    return problem_of(code).admin % {"person": person, "code": code}
