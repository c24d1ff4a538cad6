"""What a training is compared with to tell how long the next one takes: its machine, size, and use of nodes"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("training_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("vm_size", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("max_trials", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("images", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("node_seconds", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("estimate", sa.JSON(), nullable=True))
        batch_op.create_index(
            "ix_training_runs_like", ["vm_size", "max_trials", "state", "ended_at"], unique=False
        )
