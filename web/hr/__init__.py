"""HR's pages: every pair at a glance, and what people say on the phone. Knows no goal and no title."""

from collections.abc import Iterator
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from tracker.cells import write_csv
from tracker.ledger import Side
from tracker.models import Person
from tracker.services.confirm import confirm_session, withdraw_statement
from tracker.services.overview import (
    HEALTH_ORDER,
    NOT_JUDGED,
    Filters,
    count_by_health,
    export_rows,
    list_page,
    list_programs,
)
from web import current
from web.hr.table import COLUMNS, cells
from web.pairs import change, read_answer

hr = Blueprint("hr", __name__, url_prefix="/hr")

LONGEST_SEARCH = 100


@hr.get("")
def board() -> ResponseReturnValue:
    """Show all pairs, those that need somebody first."""
    filters, now = _filters(), current.now()
    with current.ports().store.read() as db:
        page = list_page(db, filters, request.args.get("page", 1, int), now)
        programs = list_programs(db)
        everyone = page.counts or count_by_health(db, Filters(), now)
    return render_template(
        "hr/board.html",
        page=page,
        counts=page.counts,
        everyone=bool(everyone),
        programs=programs,
        filters=filters,
        headline=_headline(page.counts),
        asked=_asked(filters),
    )


@hr.get("/pairs.csv")
def download() -> ResponseReturnValue:
    """Give the pairs that the board lists as a table for a spreadsheet."""
    answer = Response(stream_with_context(_lines(_filters(), current.now())), mimetype="text/csv")
    name = f"cadencia-{current.today()}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _lines(filters: Filters, now: datetime) -> Iterator[str]:
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    yield "\ufeff" + write_csv([COLUMNS])
    with current.ports().store.read() as db:
        for row in export_rows(db, filters, now):
            yield write_csv([cells(row)])


@hr.post("/pairs/<id:pair_id>/sessions/<id:session_id>/record")
def record(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Write down what one of the two said, on the phone say."""
    side, speaker = _speaker()
    held, absent = read_answer(request.form.get("answer", ""), side)
    if change(
        pair_id,
        lambda db: confirm_session(db, session_id, by=speaker, held=held, absent=absent, act=current.act()),
    ):
        flash(gettext("Written down, in the name of %(name)s.", name=speaker.name))
    return redirect(url_for("pairs.show", pair_id=pair_id), 303)


@hr.post("/pairs/<id:pair_id>/sessions/<id:session_id>/take-back")
def take_back(pair_id: int, session_id: int) -> ResponseReturnValue:
    """Take back what was written down last for one of the two."""
    _, speaker = _speaker()
    if change(pair_id, lambda db: withdraw_statement(db, session_id, by=speaker, act=current.act())):
        flash(gettext("Taken back. The question is open again."))
    return redirect(url_for("pairs.show", pair_id=pair_id), 303)


def _speaker() -> tuple[Side, Person]:
    pair, said = current.pair(), request.form.get("side", "")
    if said not in list(Side):
        abort(400)
    return Side(said), pair.mentor if said == Side.MENTOR else pair.mentee


def _filters() -> Filters:
    health = request.args.get("health")
    return Filters(
        program_id=request.args.get("program", None, int),
        health=health if health in (*HEALTH_ORDER, NOT_JUDGED) else None,
        search=request.args.get("q", "")[:LONGEST_SEARCH].replace("\0", ""),
    )


def _asked(filters: Filters) -> dict[str, object]:
    asked = {"program": filters.program_id, "health": filters.health, "q": filters.search or None}
    return {name: value for name, value in asked.items() if value is not None}


def _headline(counts: dict[str, int]) -> str:
    need = counts.get("off_track", 0) + counts.get("at_risk", 0)
    if need:
        return str(ngettext("%(num)d pair could use a hand.", "%(num)d pairs could use a hand.", need))
    if counts.get("unknown"):
        return str(gettext("Nobody needs a hand as far as we know. Some calendars could not be read."))
    return str(gettext("Nobody needs a hand right now."))
