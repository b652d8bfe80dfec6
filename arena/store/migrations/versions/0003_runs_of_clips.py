"""The run that each clip came from, so that a page can name it once it is deleted"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("arena_clips") as batch_op:
        batch_op.add_column(sa.Column("run", sa.String(200), nullable=False, server_default=""))
    # A pair names the run of its first clip. A clip that is never the first is known where its study has one run only.
    op.execute("update arena_clips set run = coalesce((select min(run) from arena_pairs where arena_pairs.first_id = arena_clips.id), '')")
    op.execute(
        "update arena_clips set run = (select min(run) from arena_pairs where arena_pairs.study_id = arena_clips.study_id) "
        "where run = '' and (select count(distinct run) from arena_pairs where arena_pairs.study_id = arena_clips.study_id) = 1"
    )
