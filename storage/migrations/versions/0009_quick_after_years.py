"""What is asked often stays quick in a store of many years"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
BEHIND = sa.text("shown_revision < wanted_revision")


def upgrade() -> None:
    op.create_index(
        "ix_messages_behind",
        "messages",
        ["state", sa.text("urgency DESC"), "wanted_at"],
        sqlite_where=BEHIND,
        postgresql_where=BEHIND,
    )
    op.create_index("ix_deployments_standing", "deployments", ["state", "target", "decided_at"])
    op.create_index("ix_decisions_verdict", "decisions", ["verdict", "at"])
    op.create_index("ix_model_versions_created", "model_versions", ["created_at", "version"])
    op.drop_index("ix_messages_due", "messages")
    op.drop_index("ix_deployments_state", "deployments")
