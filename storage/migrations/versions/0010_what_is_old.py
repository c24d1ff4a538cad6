"""What is old, and what a person asked for last, is found without reading all that is there"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
WHOLE = sa.text("form != 'thin'")


def upgrade() -> None:
    op.create_index(
        "ix_messages_whole", "messages", ["wanted_at"], sqlite_where=WHOLE, postgresql_where=WHOLE
    )
    op.create_index("ix_training_runs_person", "training_runs", ["requested_by", "requested_at"])
    op.create_index("ix_pictures_made", "pictures", ["made_at", "name"])
    op.create_index("ix_pictures_sent", "pictures", ["sent_at", "name"])
