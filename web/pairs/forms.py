"""The forms of a pair's page: a session that is on no calendar, dates, days away, and goals."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, StringField, TextAreaField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from tracker.errors import BadInput
from tracker.events import Window
from tracker.ledger import Side
from tracker.services.confirm import LONGEST_MINUTES, SHORTEST_MINUTES
from tracker.services.goals import LONGEST_WHAT, LONGEST_WHY
from tracker.wording import N_
from web.words.people import Eyes


class TellForm(FlaskForm):  # type: ignore[misc]
    """When two people met without a calendar entry, and who was there. Times are on the reader's clock."""

    day = DateField(_l("Day"), validators=[InputRequired(_l("Please choose the day."))])
    time = TimeField(_l("It began at"), validators=[InputRequired(_l("Please write when it began."))])
    minutes = IntegerField(
        _l("How many minutes"),
        default=45,
        validators=[
            InputRequired(_l("Please write how long it took.")),
            NumberRange(
                SHORTEST_MINUTES, LONGEST_MINUTES, _l("A session lasts between 5 minutes and 8 hours.")
            ),
        ],
    )
    present = RadioField(_l("Who was there?"), default="both")

    def __init__(self, eyes: Eyes, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._side = eyes.side or Side.MENTOR
        self.present.choices = [
            ("both", gettext("Both of us")),
            ("me", gettext("Only I")),
            ("partner", gettext("Only %(name)s", name=eyes.partner)),
        ]

    def absent(self) -> tuple[Side, ...]:
        """Return who was not there."""
        other = Side.MENTEE if self._side is Side.MENTOR else Side.MENTOR
        absent: dict[str, tuple[Side, ...]] = {"both": (), "me": (other,), "partner": (self._side,)}
        return absent[self.present.data]


class DateForm(FlaskForm):  # type: ignore[misc]
    """A date chosen by hand, on the reader's clock."""

    day = DateField(_l("Day"), validators=[InputRequired(_l("Please choose the day."))])
    time = TimeField(_l("Begins at"), validators=[InputRequired(_l("Please write when it begins."))])
    minutes = IntegerField(
        _l("How many minutes"),
        validators=[
            InputRequired(_l("Please write how long it takes.")),
            NumberRange(
                SHORTEST_MINUTES, LONGEST_MINUTES, _l("A session lasts between 5 minutes and 8 hours.")
            ),
        ],
    )

    def slot(self, timezone: str) -> Window:
        """Return the slot. Raises BadInput for an hour that the clocks leave out on that day."""
        local = datetime.combine(self.day.data, self.time.data, ZoneInfo(timezone))
        starts_at = local.astimezone(UTC)
        if starts_at.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise BadInput(N_("The clocks are put forward then, and that hour does not exist on that day."))
        return Window(starts_at, starts_at + timedelta(minutes=self.minutes.data))


class AwayForm(FlaskForm):  # type: ignore[misc]
    """Days on which the two, or only the reader, need not meet."""

    who = RadioField(_l("Who is away?"), default="leave")
    first = DateField(_l("First day"), validators=[InputRequired(_l("Please choose the first day."))])
    last = DateField(_l("Last day"), validators=[InputRequired(_l("Please choose the last day."))])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.who.choices = [("leave", gettext("I am away")), ("pause", gettext("We pause, both of us"))]


class GoalForm(FlaskForm):  # type: ignore[misc]
    """What the two want to reach, and why."""

    what = StringField(
        _l("What do you want to reach?"),
        validators=[
            DataRequired(_l("Please write a few words.")),
            Length(max=LONGEST_WHAT, message=_l("Please say it in fewer words.")),
        ],
    )
    why = TextAreaField(
        _l("Why does it matter?"),
        validators=[Optional(), Length(max=LONGEST_WHY, message=_l("Please say it in fewer words."))],
    )
    progress = IntegerField(
        _l("How far along, in percent"),
        default=0,
        validators=[InputRequired(), NumberRange(0, 100, _l("Progress goes from 0 to 100."))],
    )


class StepForm(FlaskForm):  # type: ignore[misc]
    """A step on the way to a goal."""

    what = StringField(
        _l("Next step"),
        validators=[
            DataRequired(_l("Please write a few words.")),
            Length(max=LONGEST_WHAT, message=_l("Please say it in fewer words.")),
        ],
    )
    due_on = DateField(_l("By when"), validators=[Optional()])
