"""Captions of pairs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("arena_pairs") as batch_op:
        batch_op.add_column(sa.Column("captions", sa.JSON(), nullable=False, server_default="[]"))
