"""Label exports that people asked for, and preparations of COCO exports"""

import sqlalchemy as sa
from alembic import op

from storage.tables import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "label_exports",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("labelled", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_by_name", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("known", sa.JSON(), nullable=True),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("export_name", sa.String(length=255), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("label_exports", schema=None) as batch_op:
        batch_op.create_index("ix_label_exports_export", ["export_name"], unique=False)
        batch_op.create_index("ix_label_exports_state", ["state"], unique=False)

    op.create_table(
        "preparations",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("export_name", sa.String(length=255), nullable=False),
        sa.Column("export_version", sa.String(length=255), nullable=False),
        sa.Column("export_uri", sa.Text(), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_by_name", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=True),
        sa.Column("studio_url", sa.Text(), nullable=True),
        sa.Column("missing_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("preparations", schema=None) as batch_op:
        batch_op.create_index("ix_preparations_export", ["export_name", "requested_at"], unique=False)
        batch_op.create_index("ix_preparations_state", ["state"], unique=False)
        batch_op.create_index("ix_preparations_target", ["target"], unique=False)
