"""What the codes of a calendar's problem mean, for the command line."""

MEANINGS = {
    "unreachable": "it could not be reached. Check the address or the path, and the network",
    "not_found": "there is nothing at its address or path. Check it",
    "not_a_calendar": "what is there is not a calendar. Check the address: it may show a sign-in page",
    "not_available": "calendars of its provider are not set up here. See docs/settings.md, or use a feed",
    "no_file": "there is no file at its path that can be read. Check the path and who may read it",
    "bad_address": "its address can not be one. Check it; it has to begin with https://",
    "refused": "its server refuses to give it. Check the address: its owner may have made a new one",
    "server_error": "its server has trouble of its own. It is read again later",
    "cut_off": "it came incomplete. It is read again later",
    "too_large": "it is too large to be one person's calendar. Check the address",
    "reconnect": "it is no longer shared with us. Its owner has to connect it again",
    "rate_limited": "its provider asks us to slow down. It is read again later",
    "token_expired": "its provider lost our place. It is read anew at the next time",
    "no_account": "its provider knows no such account, or it is suspended. Check the person's address",
    "no_right": "we see only when its owner is busy, or nothing. It has to be shared with all details",
    "no_scope": "what was allowed does not cover reading events. It has to be connected again",
    "not_delegated": "the service account may not act for your people. docs/google.md, step 4",
    "not_enabled": "the Google Calendar API is not enabled. docs/google.md, step 1",
    "key_refused": "Google refuses the service account's key. docs/google.md, step 3",
    "client_refused": "Google refuses our client id or secret. docs/settings.md",
    "not_in_scope": "the application may not read this mailbox. docs/microsoft.md, steps 3 and 4",
    "suspended": "Microsoft 365 has suspended its owner's account or mailbox. An administrator can lift that",
    "app_refused": "Microsoft refuses our client secret or certificate. docs/microsoft.md, step 2",
    "secret_expired": "our client secret has expired. docs/microsoft.md, step 2",
    "certificate_expired": "our certificate has expired, or is not valid yet. docs/microsoft.md, step 2",
    "wrong_tenant": "Microsoft knows no such tenant, or not our application in it. docs/microsoft.md, step 1",
    "app_disabled": "our application is disabled or blocked in the tenant. An administrator can allow it",
    "token_refused": "Microsoft Graph does not accept our token. docs/microsoft.md, national clouds",
    "clock_off": "the clock of this machine is off, so signatures are refused. Set it",
    "changed": "the entry was changed there meanwhile. It is looked at anew",
    "consent_denied": "its owner did not consent. They can try again",
    "consent_failed": "the answer to the consent came too late, or twice. Its owner can try again",
    "consent_by_admin": "an administrator has to approve the application first. docs/microsoft.md",
    "other_account": "that account is not one of the company's, or may not use the application",
    "mass_removal": "very many sessions are gone from it. If that is right: cadencia sync --person {person} "
    "--accept-removals",
    "internal": "reading it failed for a reason of our own. The log says more",
}


def explain_problem(code: str, person: str) -> str:
    """Return the line that names whose calendar it is, what is wrong and what to do."""
    meaning = MEANINGS.get(code, f"it could not be read ({code})")
    return f"The calendar of {person}: {meaning.format(person=person)}."
