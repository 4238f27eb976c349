"""What the codes of a calendar's problem mean, for the command line."""

from tracker.problems import explain_to_admin


def explain_problem(code: str, person: str) -> str:
    """Return the line that names whose calendar it is, what is wrong and what to do."""
    return f"The calendar of {person}: {explain_to_admin(code, person)}."
