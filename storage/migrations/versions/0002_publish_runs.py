"""Publish runs, and the branches that can be published"""

import sqlalchemy as sa
from alembic import op

from storage.tables import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "publish_runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.Column("pipeline", sa.String(length=255), nullable=False),
        sa.Column("branch", sa.String(length=255), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=True),
        sa.Column("commit_title", sa.Text(), nullable=True),
        sa.Column("commit_author", sa.String(length=255), nullable=True),
        sa.Column("commit_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("requested_by", sa.String(length=64), nullable=True),
        sa.Column("requested_by_name", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("run_name", sa.String(length=255), nullable=True),
        sa.Column("run_url", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("queued_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=True),
        sa.Column("stages", sa.JSON(), nullable=True),
        sa.Column("waiting", sa.JSON(), nullable=True),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancel_by", sa.String(length=255), nullable=True),
        sa.Column("cancel_sent_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("missing_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id"),
        sa.UniqueConstraint("run_id"),
    )
    with op.batch_alter_table("publish_runs", schema=None) as batch_op:
        batch_op.create_index("ix_publish_runs_ended_at", ["ended_at"], unique=False)
        batch_op.create_index("ix_publish_runs_requested_at", ["requested_at"], unique=False)
        batch_op.create_index("ix_publish_runs_state", ["state"], unique=False)

    op.create_table(
        "branches",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("commit_title", sa.Text(), nullable=True),
        sa.Column("commit_author", sa.String(length=255), nullable=True),
        sa.Column("commit_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("commit_url", sa.Text(), nullable=True),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
