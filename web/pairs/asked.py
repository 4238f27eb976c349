"""What a person is asked of entries, in the order in which pages ask it. Never answers anything."""

from datetime import datetime

from sqlalchemy.orm import Session as OrmSession

from tracker.models import Person
from tracker.services.questions import Question, Suggested, Vanished, WhichPair, list_questions
from tracker.services.twins import Twins, list_twins

Asked = Question | Twins
# "Did you meet?" comes before all of these: people remember it for the shortest time.
_ORDER = (Vanished, WhichPair, Suggested, Twins)


def list_asked(db: OrmSession, person: Person, now: datetime) -> list[Asked]:
    """Return all that is asked of the person, kind by kind, each with the earliest first."""
    found: list[Asked] = [*list_questions(db, person, now), *list_twins(db, person)]
    return sorted(found, key=lambda question: (_ORDER.index(type(question)), question.starts_at))


def concerns(question: Asked, pair_id: int) -> bool:
    """Tell whether the question belongs on that pair's page."""
    return pair_id in question.pair_ids if isinstance(question, WhichPair) else pair_id == question.pair_id
