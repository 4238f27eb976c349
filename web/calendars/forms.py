"""The form for a feed's address. What is typed there is a secret: the page does not come back with it."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

LONGEST = 2000


class FeedForm(FlaskForm):  # type: ignore[misc]
    """Where a calendar can be read."""

    address = StringField(
        _l("Address of the calendar"),
        validators=[
            InputRequired(_l("Please paste the calendar's address.")),
            Length(max=LONGEST, message=_l("This is too long to be an address.")),
        ],
    )
