"""What every answer of the site carries, and how its cookies are kept. Never weakens with the page."""

from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from tracker.keys import derive_keys
from tracker.settings import Settings

BODY_LIMIT = 64 * 1024
SESSION_LASTS = timedelta(days=30)
STATIC_LASTS_S = 365 * 24 * 3600
# No scripts at all: every page works without. `data:` is for the ticks in Bootstrap's style sheet.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STATIC_ENDPOINTS = ("static", "bootstrap.static")


class IdConverter(IntegerConverter):
    """A row's number in an address. What no database could hold is no address of ours."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{**kwargs, "min": 1, "max": 2**31 - 1})  # type: ignore[arg-type]


def secure(app: Flask, settings: Settings) -> CSRFProtect:
    """Set keys, cookies, limits and headers, and protect every form; return what protects them."""
    newest, *older = (key.hex() for key in derive_keys(settings.keys, "cadencia site"))
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        # With __Host- no other site of the domain, and nobody on plain http, can plant a cookie.
        SESSION_COOKIE_NAME="__Host-cadencia" if settings.is_https else "cadencia",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # Else every picture and style sheet, which proxies may keep, would carry somebody's cookie.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT,
        MAX_FORM_PARTS=200,
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_LASTS_S,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page left open over lunch still works
        # The token is bound to the session's cookie. Asking for a Referer besides shuts out careful browsers.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.url_map.converters["id"] = IdConverter
    protect = CSRFProtect(app)
    app.after_request(_add_headers)
    if settings.is_https:
        app.after_request(_insist_on_https)
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    return protect


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint not in STATIC_ENDPOINTS:
        # Pages are somebody's own: neither a proxy nor the back button of the next user may keep them.
        response.headers["Cache-Control"] = "no-store"
    return response


def _insist_on_https(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
