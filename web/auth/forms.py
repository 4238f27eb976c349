"""The one question of the sign-in page. Checks the form of an address, never whether it is known."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField
from wtforms.validators import DataRequired, Length, Regexp


class AskForm(FlaskForm):  # type: ignore[misc]
    """Which address the link goes to, and where the person was heading."""

    email = EmailField(
        _l("Your work e-mail"),
        validators=[
            DataRequired(_l("Please write your e-mail address.")),
            Length(max=320),
            Regexp(r"\s*[^@\s]+@[^@\s]+\s*$", message=_l("An e-mail address looks like ana@example.com.")),
        ],
    )
    next = HiddenField()
