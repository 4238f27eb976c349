"""For whoever watches over the installation: is it ready, how is it, and figures for Prometheus.

Tells strangers nothing but yes or no, and nobody anything of a person.
"""

import hmac
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tracker.services import schema
from tracker.services.health import AGES, SHARES, Vitals, find_ills, take_vitals
from web import current

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")

watching = Blueprint("watching", __name__)


@watching.get("/ready")
def ready() -> ResponseReturnValue:
    """Tell whether pages can be shown: the database answers, and is of this version."""
    try:
        schema.require_current(current.ports().store)
    except Exception:
        # Why not is for `cadencia doctor`, on the machine itself.
        return {"ready": False}, 503
    return {"ready": True}


@watching.get("/health")
def health() -> ResponseReturnValue:
    """Tell how the installation is; 503 while something of its own work is wrong."""
    _let_in()
    vitals = _vitals()
    ills = find_ills(vitals)
    return _document(vitals, ills), 503 if ills else 200


@watching.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Give the figures to Prometheus."""
    _let_in()
    return Response(generate_latest(Figures(_vitals())), content_type=CONTENT_TYPE_LATEST)


def _let_in() -> None:
    """Let in whoever knows the token; where none is set, this machine alone. To others it is not there."""
    settings = current.ports().settings
    if settings.metrics_token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
            abort(404)
    elif not _is_this_machine() or (settings.is_https and not settings.proxies):
        # With https and no proxy that is believed, everybody seems to come from the proxy: from here.
        abort(404)


def _is_this_machine() -> bool:
    # What a proxy passed on comes from elsewhere, even where its address is ours: there may be more proxies,
    # or fewer on the way, than were declared.
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _vitals() -> Vitals:
    with current.ports().store.read() as db:
        return take_vitals(db, current.now())


def _document(vitals: Vitals, ills: list[str]) -> dict[str, object]:
    calendars, outbox = vitals.calendars, vitals.outbox
    return {
        "healthy": not ills,
        "ills": ills,
        "at": vitals.now.isoformat(),
        "jobs": {
            job.name: {
                "ticked_at": _instant(job.ticked_at),
                "ended_at": _instant(job.ended_at),
                "failures": job.failures,
                "error": job.error,
            }
            for job in vitals.jobs
        },
        "outbox": {
            "waiting": outbox.waiting,
            "mail_since": _instant(outbox.mail_since),
            "event_since": _instant(outbox.event_since),
            "dead_letters": outbox.dead,
            "paused": list(outbox.paused),
        },
        "calendars": {
            "connected": calendars.connected,
            "stale": calendars.stale,
            "never_read": calendars.never_read,
            "problems": dict(calendars.problems),
            "most_overdue_at": _instant(calendars.most_overdue_at),
        },
        "consents_refused": vitals.refused_consents,
        "pairs_due": vitals.pairs_due,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


class Figures(Collector):
    """The vitals as Prometheus has them: all are gauges, taken from the database at this moment."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        yield from self._work()
        yield from self._calendars()
        yield from self._outbox()

    def _work(self) -> Iterator[Metric]:
        vitals = self._vitals
        yield _gauge("cadencia_healthy", "1 while nothing of its own work is wrong", not find_ills(vitals))
        yield _gauge("cadencia_pairs_due", "Pairs that wait to be judged", vitals.pairs_due)
        yield _gauge(
            "cadencia_consents_refused", "Consents that the provider refused", vitals.refused_consents
        )
        ticks = _labelled("cadencia_job_tick_age_seconds", "Since the job's last turn", "job")
        ends = _labelled("cadencia_job_success_age_seconds", "Since the job's last good end", "job")
        failures = _labelled("cadencia_job_failures", "Failures in a row", "job")
        for job in vitals.jobs:
            ticks.add_metric([job.name], self._age(job.ticked_at))
            failures.add_metric([job.name], job.failures)
            if job.ended_at:
                ends.add_metric([job.name], self._age(job.ended_at))
        yield from (ticks, ends, failures)

    def _calendars(self) -> Iterator[Metric]:
        calendars = self._vitals.calendars
        yield _gauge("cadencia_calendars", "Connected calendars", calendars.connected)
        lag = self._age(calendars.most_overdue_at)
        yield _gauge("cadencia_sync_lag_seconds", "How late the latest reading is", lag)
        oldest = self._age(calendars.oldest_read_at)
        yield _gauge("cadencia_watermark_age_seconds", "Since the oldest last reading", oldest)
        read = _labelled("cadencia_calendars_read_within", "Calendars read no longer ago", "seconds")
        for age, count in zip(AGES, calendars.read_within, strict=True):
            read.add_metric([str(int(age.total_seconds()))], count)
        yield read
        failing = _labelled("cadencia_refresh_failures", "Calendars whose last reading failed", "problem")
        for problem, count in sorted(calendars.problems.items()):
            failing.add_metric([problem], count)
        yield failing

    def _outbox(self) -> Iterator[Metric]:
        outbox = self._vitals.outbox
        yield _gauge("cadencia_outbox_waiting", "Mails and events that wait", outbox.waiting)
        yield _gauge("cadencia_dead_letters", "Mails and events that were given up", outbox.dead)
        mail, event = self._age(outbox.mail_since), self._age(outbox.event_since)
        yield _gauge("cadencia_outbox_age_seconds", "How long the oldest unsent mail has waited", mail)
        yield _gauge("cadencia_events_age_seconds", "How long the oldest unsent event has waited", event)
        dwell = _labelled(
            "cadencia_outbox_dwell_seconds", "How long mail of the last hour waited", "quantile"
        )
        for share, seconds in zip(SHARES, outbox.dwell_s, strict=False):
            dwell.add_metric([str(share)], seconds)
        yield dwell
        paused = _labelled("cadencia_lane_paused", "Lanes whose other end is out of reach", "lane")
        for lane in outbox.paused:
            paused.add_metric([lane], 1)
        yield paused

    def _age(self, at: datetime | None) -> float:
        # What is due later than now is not late.
        return max(0.0, (self._vitals.now - at).total_seconds()) if at else 0.0


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=float(value))


def _labelled(name: str, what: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=[label])
