"""The tables. All times are UTC; migrations in `storage/migrations` create and change them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    literal_column,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC; SQLite has no zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)  # noqa: S101  DateTime hands out nothing else
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Short(TypeDecorator[str]):
    """Text of at most so many characters. What others wrote may be longer than they ever may: then it is cut, as the
    databases would not agree whether to refuse it, and nothing that anybody writes may stop a follower."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value[: self.length] if value else value


metadata = MetaData()

training_runs = Table(
    "training_runs",
    metadata,
    Column("id", Short(255), primary_key=True),
    Column("request_id", Short(64), nullable=False, unique=True),
    Column("state", Short(20), nullable=False),
    Column("model_name", Short(255), nullable=False),
    Column("dataset", Short(255), nullable=False),
    Column("dataset_version", Short(255), nullable=False),
    Column("cluster", Short(64), nullable=False),
    Column("experiment", Short(255), nullable=False),
    Column("requested_by", Short(64), nullable=False),
    Column("requested_by_name", Short(255), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("submitted_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("status", Short(64)),
    Column("studio_url", Text),
    Column("progress", JSON),
    Column("waiting", JSON),
    Column("failure", JSON),
    Column("trouble", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Column("cancel_by", Short(255)),
    Column("cancel_sent_at", UtcDateTime),
    Column("missing_since", UtcDateTime),
    Column("registered_version", Integer),
    Column("vm_size", Short(64)),
    Column("max_trials", Integer),
    Column("images", Integer),
    Column("node_seconds", Integer),
    Column("estimate", JSON),
    Index("ix_training_runs_state", "state"),
    Index("ix_training_runs_requested_at", "requested_at"),
    Index("ix_training_runs_ended_at", "ended_at"),
    Index("ix_training_runs_model", "model_name", "requested_at"),
    Index("ix_training_runs_person", "requested_by", "requested_at"),
    Index("ix_training_runs_like", "vm_size", "max_trials", "state", "ended_at"),
)

publish_runs = Table(
    "publish_runs",
    metadata,
    Column("id", Short(64), primary_key=True),
    Column("request_id", Short(64), nullable=False, unique=True),
    Column("state", Short(20), nullable=False),
    Column("elsewhere", Boolean, nullable=False),
    Column("pipeline", Short(255), nullable=False),
    Column("branch", Short(255), nullable=False),
    Column("commit_id", Short(64)),
    Column("commit_title", Text),
    Column("commit_author", Short(255)),
    Column("commit_at", UtcDateTime),
    Column("requested_by", Short(64)),
    Column("requested_by_name", Short(255), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("run_id", Integer, unique=True),
    Column("run_name", Short(255)),
    Column("run_url", Text),
    Column("reason", Short(64)),
    Column("queued_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("status", Short(64)),
    Column("stages", JSON),
    Column("waiting", JSON),
    Column("failure", JSON),
    Column("trouble", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Column("cancel_by", Short(255)),
    Column("cancel_sent_at", UtcDateTime),
    Column("missing_since", UtcDateTime),
    Column("version", Short(64)),
    Index("ix_publish_runs_state", "state"),
    Index("ix_publish_runs_requested_at", "requested_at"),
    Index("ix_publish_runs_ended_at", "ended_at"),
)

branches = Table(
    "branches",
    metadata,
    Column("name", Short(255), primary_key=True),
    Column("commit_id", Short(64), nullable=False),
    Column("commit_title", Text),
    Column("commit_author", Short(255)),
    Column("commit_at", UtcDateTime),
    Column("commit_url", Text),
    Column("seen_at", UtcDateTime, nullable=False),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Short(255), primary_key=True),
    Column("request_id", Short(64), nullable=False, unique=True),
    Column("state", Short(20), nullable=False),
    Column("target", Short(64), nullable=False),
    Column("model_name", Short(255), nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Short(64), nullable=False),
    Column("requested_by_name", Short(255), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("evidence", JSON),
    Column("fingerprint", Short(64)),
    Column("approvals_needed", Integer, nullable=False),
    Column("reminded_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("rings", JSON),
    Column("waiting", Text),
    Column("outcome", Text),
    Column("rollback_by", Short(255)),
    Column("rollback_reason", Text),
    Column("trouble", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_deployments_standing", "state", "target", "decided_at"),
    Index("ix_deployments_target", "target", "decided_at"),
    Index("ix_deployments_ended_at", "ended_at"),
    Index("ix_deployments_model", "model_name", "model_version"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Short(128), primary_key=True),
    Column("target", Short(64), nullable=False),
    Column("ring", Short(64), nullable=False),
    Column("model", Short(255), nullable=False),
    Column("version", Short(64), nullable=False),
    Column("works", Boolean, nullable=False),
    Column("is_connected", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("last_seen", UtcDateTime),
    Index("ix_devices_shares", "target", "model", "version", "is_connected", "works"),
    Index("ix_devices_model", "model", "version"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("deployment_id", Short(255), primary_key=True),
    Column("person", Short(64), primary_key=True),
    Column("verdict", Short(20), primary_key=True),
    Column("person_name", Short(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fingerprint", Short(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_decisions_verdict", "verdict", "at"),
)

messages = Table(
    "messages",
    metadata,
    Column("key", Short(600), primary_key=True),
    Column("channel", Short(64), nullable=False),
    Column("parent_key", Short(600)),
    Column("fallback", Short(64)),
    Column("wanted", JSON, nullable=False),
    Column("wanted_revision", Integer, nullable=False),
    Column("wanted_at", UtcDateTime, nullable=False),
    Column("shown_revision", Integer, nullable=False, server_default="0"),
    Column("shown_at", UtcDateTime),
    Column("urgency", Integer, nullable=False, server_default="0"),
    Column("ts", Short(32)),
    Column("posting_since", UtcDateTime),
    Column("state", Short(20), nullable=False, server_default="open"),
    Column("form", Short(20), nullable=False, server_default="full"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Column("trouble", Text),
)
_is_behind = messages.c.shown_revision < messages.c.wanted_revision
_behind = Index(  # only of what Slack does not show yet: a handful, of all that it was ever told
    "ix_messages_behind",
    messages.c.state,
    messages.c.urgency.desc(),
    messages.c.wanted_at,
    sqlite_where=_is_behind,
)
THIN = "thin"
WHOLE = messages.c.form != literal_column(f"'{THIN}'")  # spelled out, for only so is the index found by it
_whole = Index("ix_messages_whole", messages.c.wanted_at, sqlite_where=WHOLE)


@event.listens_for(messages, "before_create")
def _only_a_part_of_them(_table: Table, connection: Connection, **_: object) -> None:
    """Said here, for to name PostgreSQL above would have everybody wait for its dialect at every start."""
    if connection.dialect.name == "postgresql":
        _behind.dialect_kwargs["postgresql_where"] = _is_behind
        _whole.dialect_kwargs["postgresql_where"] = WHOLE


model_versions = Table(
    "model_versions",
    metadata,
    Column("name", Short(255), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("created_at", UtcDateTime),
    Column("created_by", Short(255)),
    Column("mean_average_precision", Float),
    Column("precision", Float),
    Column("recall", Float),
    Column("tags", JSON, nullable=False),
    Column("uri", Text),
    Column("run_id", Short(255)),
    Column("announced", Boolean, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_model_versions_run", "run_id"),
    Index("ix_model_versions_seen", "seen_at"),
    Index("ix_model_versions_created", "created_at", "version"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("name", Short(255), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("run_id", Short(255), nullable=False),
    Column("wanted_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("found", JSON),
    Column("figures", JSON),
    Column("missing", Text),
    Index("ix_evaluations_read", "read_at", "wanted_at"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("digest", Short(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("name", Short(255), nullable=False),
    Column("alt_text", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("file_id", Short(64)),
    Column("sent_at", UtcDateTime),
    Index("ix_pictures_made", "made_at", "name"),
    Index("ix_pictures_sent", "sent_at", "name"),
)

exports = Table(
    "exports",
    metadata,
    Column("name", Short(255), primary_key=True),
    Column("version", Short(255), primary_key=True),
    Column("kind", Short(20), nullable=False),
    Column("created_at", UtcDateTime),
    Column("created_by", Short(255)),
    Column("uri", Text),
    Column("contents", JSON),
    Column("unreadable", Text),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("present", Boolean, nullable=False),
    Index("ix_exports_created", "present", "created_at"),
)

label_exports = Table(
    "label_exports",
    metadata,
    Column("id", Short(64), primary_key=True),
    Column("state", Short(20), nullable=False),
    Column("project", Short(255), nullable=False),
    Column("title", Short(255), nullable=False),
    Column("labelled", Integer, nullable=False),
    Column("requested_by", Short(64), nullable=False),
    Column("requested_by_name", Short(255), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("known", JSON),
    Column("asked_at", UtcDateTime),
    Column("operation", Text),
    Column("export_name", Short(255)),
    Column("ended_at", UtcDateTime),
    Column("failure", JSON),
    Column("trouble", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Index("ix_label_exports_state", "state"),
    Index("ix_label_exports_export", "export_name"),
)

preparations = Table(
    "preparations",
    metadata,
    Column("id", Short(255), primary_key=True),
    Column("state", Short(20), nullable=False),
    Column("export_name", Short(255), nullable=False),
    Column("export_version", Short(255), nullable=False),
    Column("export_uri", Text, nullable=False),
    Column("target", Short(255), nullable=False),
    Column("cluster", Short(64), nullable=False),
    Column("requested_by", Short(64), nullable=False),
    Column("requested_by_name", Short(255), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("status", Short(64)),
    Column("studio_url", Text),
    Column("missing_since", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("failure", JSON),
    Column("trouble", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", UtcDateTime),
    Index("ix_preparations_state", "state"),
    Index("ix_preparations_export", "export_name", "requested_at"),
    Index("ix_preparations_target", "target"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", Short(64), primary_key=True),
    Column("facts", JSON, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

digests = Table(
    "digests",
    metadata,
    Column("id", Short(64), primary_key=True),
    Column("state", Short(20), nullable=False),
    Column("channel", Short(64), nullable=False),
    Column("cron", Short(255), nullable=False),
    Column("zone", Short(64), nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("grace_minutes", Integer, nullable=False),
    Column("created_by", Short(64), nullable=False),
    Column("created_by_name", Short(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime),
    Index("ix_digests_due", "state", "next_at"),
    Index("ix_digests_channel", "channel"),
)

digest_firings = Table(
    "digest_firings",
    metadata,
    Column("digest_id", Short(64), primary_key=True),
    Column("due_at", UtcDateTime, primary_key=True),
    Column("outcome", Short(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("fingerprint", Short(64)),
    Index("ix_digest_firings_outcome", "digest_id", "outcome", "due_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Short(64), nullable=False),
    Column("action", Short(64), nullable=False),
    Column("subject", Short(600), nullable=False),
    Column("details", JSON, nullable=False),
    Column("previous", Short(64), nullable=False),
    Column("hash", Short(64), nullable=False),
    Index("ix_audit_subject", "subject"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("key", Short(255), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_deliveries_at", "at"),
)

marks = Table(
    "marks",
    metadata,
    Column("key", Short(255), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Short(64), primary_key=True),
    Column("holder", Short(255), nullable=False),
    Column("token", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("said", JSON),
)
