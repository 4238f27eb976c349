"""The page on which people consent, as their browser meets it: codes, PKCE, refresh tokens that rotate."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

OIDC = frozenset({"openid", "profile", "offline_access", "email"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person allowed; `root` is Graph's, before the names of its scopes."""

    owner: str
    scopes: frozenset[str]
    root: str
    nonce: str = ""
    challenge: str = ""
    redirect_uri: str = ""
    refresh_token: str = ""


@dataclass
class ConsentPage:
    """`signed_in` is who sits before the browser, and agrees unless `answer` is another error than none.

    `needs_admin` are scopes that only an administrator may allow. `over` are accounts whose consent is gone.
    """

    signed_in: str | None = None
    error: tuple[str, int] | None = None  # such as ("access_denied", 65004)
    needs_admin: frozenset[str] = frozenset()
    over: dict[str, int] = field(default_factory=dict)  # AADSTS numbers by account
    asked: list[dict[str, str]] = field(default_factory=list)
    consented: dict[str, frozenset[str]] = field(default_factory=dict)
    _codes: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)

    def visit(self, url: str, owner: str | None = None) -> dict[str, str]:
        """Go where a person is sent, as that account; return the parameters that they come back with."""
        self.signed_in = owner or self.signed_in
        parts = urlsplit(url)
        back = self.show(dict(parse_qsl(parts.query)), None, f"{parts.scheme}://{parts.netloc}")
        return dict(parse_qsl(urlsplit(back).query))

    def show(self, query: dict[str, str], client_id: str | None, root: str) -> str:
        """Return the address that the browser is sent back to."""
        self.asked.append(query)
        assert client_id in (None, query["client_id"])
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        names = query["scope"].split()
        assert all(name in OIDC or name.startswith(root + "/") for name in names), names
        assert {"openid", "offline_access"} <= set(names)
        scopes = frozenset(name.removeprefix(root + "/") for name in names) - OIDC
        owner = self.signed_in or query.get("login_hint", "")
        answer = self._answer(owner, scopes)
        if answer is None:
            code = secrets.token_urlsafe(8)
            everything = scopes | self.consented.get(owner, frozenset())
            self.consented[owner] = everything
            self.over.pop(owner, None)
            self._codes[code] = Grant(
                owner, everything, root, query["nonce"], query["code_challenge"], query["redirect_uri"]
            )
            answer = {"code": code, "session_state": "1"}
        return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}"

    def redeem(self, form: dict[str, str]) -> Grant | int:
        """Return what a code or a refresh token is good for, or the number of what is wrong with it."""
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None:
            return 54005  # was redeemed already
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != grant.challenge:
            return 501481
        return self._given(grant) if form.get("redirect_uri") == grant.redirect_uri else 50011

    def _refreshed(self, token: str) -> Grant | int:
        grant = self._refresh.get(token)
        if grant is None:
            return 9002313
        if number := self.over.get(grant.owner):
            return number
        return self._given(replace(grant, nonce="", scopes=self.consented[grant.owner]))

    def _given(self, grant: Grant) -> Grant:
        # Microsoft gives a new one each time, and the old one lives on until its own end.
        given = replace(grant, refresh_token=secrets.token_urlsafe(16))
        self._refresh[given.refresh_token] = given
        return given

    def _answer(self, owner: str, scopes: frozenset[str]) -> dict[str, str] | None:
        error = self.error
        if error is None and scopes & self.needs_admin:
            error = ("access_denied", 90094)
        if error is None and not owner:
            error = ("login_required", 50058)
        if error is None:
            return None
        return {"error": error[0], "error_description": f"AADSTS{error[1]}: Words. Trace ID: 1"}
