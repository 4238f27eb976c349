"""What stands between us and the other side, told apart from an other side that is away.

Names what an administrator can mend, a certificate or a proxy, and never tells an address or what was said.
"""

import re
import ssl
from collections.abc import Iterator

from tracker.errors import ConnectorError

UNTRUSTED = (
    "What answered shows a certificate that is not trusted here. If a proxy in between signs TLS anew, "
    "CADENCIA_CA_BUNDLE names its certificates."
)
PROXY_REFUSED = (
    "The proxy in between does not let us through: it may want a name and a password. Check HTTPS_PROXY, and "
    "what the proxy allows."
)
_CODES = frozenset({"untrusted", "proxy_refused"})
# How the standard library tells that a proxy refused; its 5xx mean that the other side is away.
_NO_TUNNEL = re.compile(r"Tunnel connection failed: 4[0-9][0-9]\b")


def unreachable(whose: str) -> str:
    """Return the message that a provider can not be reached."""
    return f"{whose} could not be reached. It is tried again later."


def barrier_of(error: BaseException) -> ConnectorError | None:
    """Return what stands in between, if that is what a library's exception came from."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectorError(UNTRUSTED, code="untrusted")
        if isinstance(cause, OSError) and _NO_TUNNEL.search(str(cause)):
            return ConnectorError(PROXY_REFUSED, code="proxy_refused")
    return None


def unreached(problem: ConnectorError, message: str) -> ConnectorError:
    """Return what stands in between, if that is the problem, else that nobody answered, in these words."""
    return (
        ConnectorError(str(problem), code=problem.code) if problem.code in _CODES else ConnectorError(message)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and all that it was made of: requests and urllib3 wrap in ways of their own."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
