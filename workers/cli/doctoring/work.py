"""Whether the work goes on: the schedule, the broker, and what waits because its other end is away."""

from datetime import timedelta

import redis
from sqlalchemy import select

from integrations.registry import Ports
from tracker.models import LanePause
from tracker.services.health import FAILURES_IN_A_ROW, take_vitals
from workers.cli.doctoring.finding import Findings, fine, problem

PATIENCE_S = 5
# Whoever stopped it on purpose, to look at something, need not be told at once.
STOPPED = timedelta(minutes=15)


def check_broker(ports: Ports) -> Findings:
    """Ask Redis whether it is there, where there is to be one."""
    url = ports.settings.broker_url
    if url is None:
        yield fine("broker: none; `cadencia up` does all the work")
        return
    try:
        with redis.Redis.from_url(
            url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S
        ) as client:
            client.ping()
    except redis.RedisError as error:
        # What the library says may hold the password.
        yield problem(f"broker: Redis does not answer ({type(error).__name__}). See CADENCIA_BROKER_URL.")
        return
    yield fine("broker: Redis answers")


def check_schedule(ports: Ports) -> Findings:
    """Look when the jobs had their turns, and which of them fails again and again."""
    now = ports.clock.now()
    with ports.store.read() as db:
        vitals = take_vitals(db, now)
    failing = [job for job in vitals.jobs if job.failures >= FAILURES_IN_A_ROW]
    for job in failing:
        yield problem(f"schedule: {job.name} failed {job.failures} times in a row ({job.error})")
    ticked = vitals.last_tick_at
    if ticked is None:
        yield fine("schedule: it never ran here; `cadencia up` runs it")
    elif now - ticked > STOPPED:
        # With a broker, turns end as well where nobody works: the queues are full then.
        who = "Are `cadencia beat` and `cadencia worker`" if ports.settings.broker_url else "Is `cadencia up`"
        yield problem(f"schedule: no turn since {ticked:%Y-%m-%d %H:%M} UTC. {who} running?")
    elif idle := vitals.idle_since:
        yield problem(
            f"schedule: turns are given out, and no job ended since {idle:%Y-%m-%d %H:%M} UTC. Is "
            "`cadencia worker` running?"
        )
    elif not failing:
        yield fine(f"schedule: {len(vitals.jobs)} jobs, the last turn at {ticked:%H:%M} UTC")


def check_lanes(ports: Ports) -> Findings:
    """Say what waits because a mail server or an endpoint is out of reach."""
    now = ports.clock.now()
    with ports.store.read() as db:
        pauses = db.scalars(select(LanePause).where(LanePause.until > now).order_by(LanePause.lane)).all()
    for pause in pauses:
        yield problem(f"outbox: {pause.lane} waits until {pause.until:%H:%M} UTC: {pause.reason}")
