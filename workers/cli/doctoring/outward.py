"""Where events and signs of life go: the endpoints of programs, and the outside monitor.

Only their hosts are tried: no event, and no sign that all is well, is sent to try them. Shows no address.
"""

from sqlalchemy import select

from integrations.registry import Ports, reach_host
from tracker.errors import ConnectorError
from tracker.models import Endpoint
from tracker.problems import explain_to_admin
from workers.cli.doctoring.finding import Findings, fine, problem


def check_monitor(ports: Ports) -> Findings:
    """Look whether the monitor can be reached, where there is one."""
    url = ports.settings.monitor_url
    if url is None:
        return
    try:
        reach_host(url, ports.settings, is_typed=False)
    except ConnectorError as error:
        yield problem(f"monitor: {explain_to_admin(error.code, '')}. See CADENCIA_MONITOR_URL")
        return
    yield fine("monitor: its server can be reached")


def check_endpoints(ports: Ports) -> Findings:
    """Look which endpoints can be reached; whether they take our events, only an event can tell."""
    with ports.store.read() as db:
        known = [
            (endpoint.name, ports.vault.open(endpoint.url, endpoint.binding))
            for endpoint in db.scalars(select(Endpoint).order_by(Endpoint.id))
        ]
    reached = 0
    for name, url in known:
        try:
            reach_host(url, ports.settings, is_typed=True)
        except ConnectorError as error:
            yield problem(f"endpoint {name}: {explain_to_admin(error.code, '')}")
        else:
            reached += 1
    if reached:
        yield fine(
            f"endpoints: {reached} of {len(known)} can be reached. `cadencia endpoints test` sends one"
        )
