"""The same small company as for the tests of the site."""

from tests.web.conftest import app, company, duo, enter, post

__all__ = ["app", "company", "duo", "enter", "post"]
