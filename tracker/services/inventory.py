"""Every column, and what erasing a person does to it. A column that is not here fails a test. Does nothing.

`kept`: says nothing of who it was, once the rest is done. `cleared`: emptied, or made the same for everybody.
`gone`: its row is deleted. Of tables that hold several people's rows, this is about the erased one's.
"""

from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a column's content."""

    KEPT = "kept"
    CLEARED = "cleared"
    GONE = "gone"


def _columns(kept: str = "", cleared: str = "", gone: str = "") -> dict[str, Fate]:
    said = ((kept, Fate.KEPT), (cleared, Fate.CLEARED), (gone, Fate.GONE))
    return {column: fate for columns, fate in said for column in columns.split()}


INVENTORY = {
    # About nobody.
    "alembic_version": _columns("version_num"),
    "company_holidays": _columns("id day name country subdivision"),
    "heartbeats": _columns("name ticked_at ended_at failed_at error failures"),
    "lane_pauses": _columns("lane until failures reason"),
    "leases": _columns("name holder fence until"),
    "mailboxes": _columns("id fingerprint uid_validity last_uid begun_at last_read_at last_tried_at problem"),
    "programs": _columns(
        "id name address policy suggests_untagged reads_absences reads_attendance created_at"
    ),
    "endpoints": _columns(
        "id program_id name kind url secret old_secret old_secret_until events language told_until "
        "told_change_id created_at"
    ),
    # The person: a row without a name stays, for the pairs that point to it.
    "people": _columns(
        kept="id sign_in_version nudges_off_at created_at",
        cleared="email name timezone language country subdivision department manager is_hr is_admin "
        "snoozed_until",
    ),
    "person_addresses": _columns(gone="id person_id email"),
    "credentials": _columns(
        gone="id person_id provider account scopes refresh_token access_token access_until status version "
        "leased_until granted_at refused_at told_at"
    ),
    "consent_flows": _columns(gone="id state_hash person_id provider memory expires_at"),
    "nudges": _columns(gone="id person_id pair_id kind about due_at expires_at told_at closed_at created_at"),
    "invitations": _columns(gone="id mailbox_id dedupe_key uid sender_id method content received_at"),
    "invitation_people": _columns(gone="person_id invitation_id"),
    "push_channels": _columns(
        gone="id calendar_id name provider_name state expires_at renew_at failures last_number fingerprint "
        "heard_at created_at"
    ),
    "remarks": _columns(gone="id agreement_id starts_on side text at"),
    "goals": _columns(gone="id pair_id what why progress created_by created_at updated_at"),
    "milestones": _columns(gone="id goal_id what due_on done_on"),
    # What the verdicts of the pair, which are the partner's as well, rest on: times and answers.
    "pairs": _columns(
        "id program_id mentor_id mentee_id evidence_version review_due_at awaits_reading judged_anew claims "
        "created_at"
    ),
    "agreements": _columns("id pair_id timezone starts_on ends_on sessions every unit created_at"),
    "ledgers": _columns("agreement_id judged_at health due met consecutive_missed next_session_at document"),
    "evidence_memos": _columns("agreement_id stamp sessions"),
    "verdict_changes": _columns("id agreement_id starts_on at verdict reason missed_by"),
    "sessions": _columns(
        "id pair_id standing starts_at ends_at told_by created_at attendance_recorded attendance_due_at "
        "attendance_tries called_off_at called_off_by settled_at distinct_from"
    ),
    "session_keys": _columns("id session_id pair_id slot"),
    "statements": _columns("id session_id side at held absent entered_by via"),
    "attendance": _columns("id session_id side joined_at left_at"),
    "absences": _columns(
        kept="id person_id pair_id starts_on ends_on kind calendar_id created_at", cleared="provider_event_id"
    ),
    "calendars": _columns(
        kept="id person_id provider connected_at last_read_at last_tried_at failures scope removals_held "
        "removals_accepted looked_at kept claims reads_absences records_refused_at is_owners "
        "shows_from",
        cleared="fingerprint address cursor status disconnected_at next_read_at problem set_aside "
        "credential_id",
    ),
    "copies": _columns(
        kept="id calendar_id slot lineage slot_at kind role tag_rule organiser_id people sequence updated_at "
        "version status starts_at ends_at all_day asks_pair pair_choice gone_at issues",
        cleared="provider_event_id conference reference",
    ),
    "observations": _columns(
        "id copy_id at sure_from seen_at starts_at ends_at all_day status responses by_organiser"
    ),
    "bookings": _columns(
        kept="id pair_id calendar_id reference uid sequence starts_at ends_at online state wanted attempts "
        "tries leased_until unsure by_mail stands_at aims problem asked_by created_at",
        cleared="provider_event_id version due_at",
    ),
    # Mails to the person, and the text of all that were sent: they name people.
    "outbox": _columns(
        kept="id dedupe_key kind endpoint_id sender message_id state attempts due_at leased_until created_at "
        "sent_at",
        cleared="person_id recipient message last_error",
    ),
    "audit_entries": _columns(kept="id at actor_id via act subject", cleared="details"),
}
