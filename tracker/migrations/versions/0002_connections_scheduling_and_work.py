"""connections, scheduling and work."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of this version."""
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=80), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "lane_pauses",
        sa.Column("lane", sa.String(length=40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_lane_pauses")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("uid_validity", sa.Integer(), nullable=True),
        sa.Column("last_uid", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_mailboxes_fingerprint")),
    )
    op.create_table(
        "consent_flows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_consent_flows_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_flows")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_consent_flows_state_hash")),
    )
    with op.batch_alter_table("consent_flows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_flows_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_flows_person_id"), ["person_id"], unique=False)

    op.create_table(
        "credentials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("account", sa.String(length=320), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("access_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_credentials_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint(
            "person_id", "provider", "account", name=op.f("uq_credentials_person_id_provider_account")
        ),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credentials_person_id"), ["person_id"], unique=False)

    op.create_table(
        "endpoints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("program_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_change_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.id"], name=op.f("fk_endpoints_program_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
        sa.UniqueConstraint("program_id", "name", name=op.f("uq_endpoints_program_id_name")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_invitations_mailbox_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["people.id"], name=op.f("fk_invitations_sender_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("mailbox_id", "dedupe_key", name=op.f("uq_invitations_mailbox_id_dedupe_key")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_uid"), ["uid"], unique=False)

    op.create_table(
        "invitation_people",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f("fk_invitation_people_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_invitation_people_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "invitation_id", name=op.f("pk_invitation_people")),
    )
    with op.batch_alter_table("invitation_people", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitation_people_invitation_id"), ["invitation_id"], unique=False
        )

    op.create_table(
        "nudges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["pair_id"], ["pairs.id"], name=op.f("fk_nudges_pair_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_nudges_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nudges")),
        sa.UniqueConstraint("person_id", "kind", "about", name=op.f("uq_nudges_person_id_kind_about")),
    )
    with op.batch_alter_table("nudges", schema=None) as batch_op:
        batch_op.create_index("ix_nudges_due_at", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_nudges_pair_id"), ["pair_id"], unique=False)

    op.create_table(
        "bookings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("uid", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("provider_event_id", sa.String(length=1024), nullable=True),
        sa.Column("version", sa.String(length=255), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsure", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("stands_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("aims", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_bookings_asked_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendars.id"], name=op.f("fk_bookings_calendar_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["pair_id"], ["pairs.id"], name=op.f("fk_bookings_pair_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("reference", name=op.f("uq_bookings_reference")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index("ix_bookings_due_at", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_bookings_pair_id"), ["pair_id"], unique=False)

    op.create_table(
        "push_channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("provider_name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendars.id"], name=op.f("fk_push_channels_calendar_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_channels")),
        sa.UniqueConstraint("name", name=op.f("uq_push_channels_name")),
    )
    with op.batch_alter_table("push_channels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_channels_calendar_id"), ["calendar_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_push_channels_renew_at"), ["renew_at"], unique=False)

    op.create_table(
        "remarks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("text", sa.String(length=280), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name=op.f("fk_remarks_agreement_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remarks")),
        sa.UniqueConstraint(
            "agreement_id", "starts_on", "side", name=op.f("uq_remarks_agreement_id_starts_on_side")
        ),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.add_column(sa.Column("calendar_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("provider_event_id", sa.String(length=1024), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_absences_calendar_id_provider_event_id"), ["calendar_id", "provider_event_id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_absences_calendar_id"), "calendars", ["calendar_id"], ["id"], ondelete="CASCADE"
        )

    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_actor_id"), ["actor_id"], unique=False)

    with op.batch_alter_table("calendars", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credential_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("reads_absences", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("claims", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("records_refused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("shows_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("is_owners", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_foreign_key(
            batch_op.f("fk_calendars_credential_id"),
            "credentials",
            ["credential_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reference", sa.String(length=80), nullable=True))
        batch_op.create_index(batch_op.f("ix_copies_reference"), ["reference"], unique=False)

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("endpoint_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_outbox_endpoint_id"), ["endpoint_id"], unique=False)
        batch_op.create_index("ix_outbox_person_id_created_at", ["person_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_outbox_waiting",
            ["due_at", "id"],
            unique=False,
            postgresql_where=sa.text("state IN ('queued', 'retry')"),
            sqlite_where=sa.text("state IN ('queued', 'retry')"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_outbox_endpoint_id"), "endpoints", ["endpoint_id"], ["id"], ondelete="CASCADE"
        )

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("judged_anew", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("claims", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            "ix_pairs_judged_anew",
            ["id"],
            unique=False,
            postgresql_where=sa.text("judged_anew"),
            sqlite_where=sa.text("judged_anew = 1"),
        )

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("nudges_off_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("programs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("reads_absences", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("reads_attendance", sa.Boolean(), nullable=False, server_default=sa.false())
        )

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attendance_due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("attendance_tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            batch_op.f("ix_sessions_attendance_due_at"), ["attendance_due_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_sessions_ends_at"), ["ends_at"], unique=False)


def downgrade() -> None:
    """Go back to the version before."""
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_ends_at"))
        batch_op.drop_index(batch_op.f("ix_sessions_attendance_due_at"))
        batch_op.drop_column("attendance_tries")
        batch_op.drop_column("attendance_due_at")

    with op.batch_alter_table("programs", schema=None) as batch_op:
        batch_op.drop_column("reads_attendance")
        batch_op.drop_column("reads_absences")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("nudges_off_at")
        batch_op.drop_column("snoozed_until")

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_pairs_judged_anew",
            postgresql_where=sa.text("judged_anew"),
            sqlite_where=sa.text("judged_anew = 1"),
        )
        batch_op.drop_column("claims")
        batch_op.drop_column("judged_anew")

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_outbox_endpoint_id"), type_="foreignkey")
        batch_op.drop_index(
            "ix_outbox_waiting",
            postgresql_where=sa.text("state IN ('queued', 'retry')"),
            sqlite_where=sa.text("state IN ('queued', 'retry')"),
        )
        batch_op.drop_index("ix_outbox_person_id_created_at")
        batch_op.drop_index(batch_op.f("ix_outbox_endpoint_id"))
        batch_op.drop_column("endpoint_id")

    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_copies_reference"))
        batch_op.drop_column("reference")

    with op.batch_alter_table("calendars", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_calendars_credential_id"), type_="foreignkey")
        batch_op.drop_column("is_owners")
        batch_op.drop_column("shows_from")
        batch_op.drop_column("records_refused_at")
        batch_op.drop_column("claims")
        batch_op.drop_column("reads_absences")
        batch_op.drop_column("credential_id")

    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_actor_id"))

    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_absences_calendar_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_absences_calendar_id_provider_event_id"), type_="unique")
        batch_op.drop_column("provider_event_id")
        batch_op.drop_column("calendar_id")

    op.drop_table("remarks")
    with op.batch_alter_table("push_channels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_push_channels_renew_at"))
        batch_op.drop_index(batch_op.f("ix_push_channels_calendar_id"))

    op.drop_table("push_channels")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bookings_pair_id"))
        batch_op.drop_index("ix_bookings_due_at")

    op.drop_table("bookings")
    with op.batch_alter_table("nudges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_nudges_pair_id"))
        batch_op.drop_index("ix_nudges_due_at")

    op.drop_table("nudges")
    with op.batch_alter_table("invitation_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitation_people_invitation_id"))

    op.drop_table("invitation_people")
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitations_uid"))

    op.drop_table("invitations")
    op.drop_table("endpoints")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credentials_person_id"))

    op.drop_table("credentials")
    with op.batch_alter_table("consent_flows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_flows_person_id"))
        batch_op.drop_index(batch_op.f("ix_consent_flows_expires_at"))

    op.drop_table("consent_flows")
    op.drop_table("mailboxes")
    op.drop_table("leases")
    op.drop_table("lane_pauses")
    op.drop_table("heartbeats")
