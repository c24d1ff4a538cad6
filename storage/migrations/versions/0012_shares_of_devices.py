"""How many devices of each target run what is counted without reading the devices"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_index("ix_devices_shares", "devices", ["target", "model", "version", "is_connected", "works"])
    op.drop_index("ix_devices_target", "devices")
