"""A sign of life to an outside monitor, which raises the alarm when it does not come. Sends nothing but that.

The address is that of a check of Healthchecks (https://healthchecks.io/docs/http_api/) or of its like: asked
plainly it means that all is well, with `/fail` at its end that something is wrong.
"""

from integrations.http import Limits, send
from tracker.errors import ConnectorError

LIMITS = Limits(connect_s=5, read_s=10, total_s=20, max_bytes=100_000)


def ping(url: str, *, is_well: bool, ca_bundle: str | None = None) -> None:
    """Tell the monitor. Raises ConnectorError, which does not repeat the address."""
    answer = send("GET", url if is_well else f"{url}/fail", limits=LIMITS, ca_bundle=ca_bundle, attempts=2)
    if answer.status >= 300:
        raise ConnectorError(f"The monitor answered {answer.status}. See CADENCIA_MONITOR_URL.")
