"""The figures of many versions are read without their curves and pictures; of earlier ones what was found is"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("figures", sa.JSON()))
