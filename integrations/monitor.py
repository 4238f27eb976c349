"""A sign of life to an outside monitor, which raises the alarm when it does not come. Sends nothing but that.

The address is that of a check of Healthchecks (https://healthchecks.io/docs/http_api/) or of its like: asked
plainly it means that all is well, with `/fail` at its end that something is wrong.
"""

from tracker.errors import ConnectorError
from tracker.settings import Settings


def ping_monitor(settings: Settings, *, is_well: bool) -> None:
    """Tell the monitor how we are, if there is one. Raises ConnectorError without its address."""
    if settings.monitor_url is None:
        return
    from integrations.http import Limits, send

    bundle = str(settings.ca_bundle) if settings.ca_bundle else None
    url = settings.monitor_url if is_well else f"{settings.monitor_url}/fail"
    limits = Limits(connect_s=5, read_s=10, total_s=20, max_bytes=100_000)
    answer = send("GET", url, limits=limits, ca_bundle=bundle, attempts=2)
    if answer.status >= 300:
        raise ConnectorError(f"The monitor answered {answer.status}. See CADENCIA_MONITOR_URL.")
