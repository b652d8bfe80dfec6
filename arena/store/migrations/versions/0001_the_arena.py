"""Studies, clips, pairs, voters, battles, votes, incidents"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "arena_studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "arena_clips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("generator", sa.String(length=200), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("broken", sa.String(length=100), nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("style", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("arena_clips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arena_clips_study_id"), ["study_id"], unique=False)

    op.create_table(
        "arena_incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("voter_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("arena_incidents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arena_incidents_study_id"), ["study_id"], unique=False)

    op.create_table(
        "arena_voters",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("consented_at", sa.DateTime(), nullable=True),
        sa.Column("sound_check", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("arena_voters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arena_voters_study_id"), ["study_id"], unique=False)

    op.create_table(
        "arena_pairs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("expected", sa.String(length=10), nullable=True),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("profile", sa.String(length=10), nullable=False),
        sa.Column("with_sound", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["arena_clips.id"],
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["arena_clips.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("arena_pairs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arena_pairs_study_id"), ["study_id"], unique=False)

    op.create_table(
        "arena_battles",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("voter_id", sa.String(length=32), nullable=False),
        sa.Column("first_left", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("repeats", sa.String(length=32), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("shown_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pair_id"],
            ["arena_pairs.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.ForeignKeyConstraint(
            ["voter_id"],
            ["arena_voters.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("arena_battles", schema=None) as batch_op:
        batch_op.create_index("arena_open_battles", ["voter_id", "closed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_arena_battles_study_id"), ["study_id"], unique=False)

    op.create_table(
        "arena_votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("battle_id", sa.String(length=32), nullable=False),
        sa.Column("voter_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("choice", sa.String(length=10), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("heard_left", sa.Float(), nullable=False),
        sa.Column("heard_right", sa.Float(), nullable=False),
        sa.Column("dwell_s", sa.Float(), nullable=False),
        sa.Column("captions", sa.Boolean(), nullable=False),
        sa.Column("sound_check", sa.Boolean(), nullable=True),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["battle_id"],
            ["arena_battles.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["arena_studies.id"],
        ),
        sa.ForeignKeyConstraint(
            ["voter_id"],
            ["arena_voters.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("battle_id", "voter_id"),
    )
    with op.batch_alter_table("arena_votes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_arena_votes_study_id"), ["study_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_arena_votes_voter_id"), ["voter_id"], unique=False)

    op.create_table(
        "arena_undone",
        sa.Column("vote_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vote_id"],
            ["arena_votes.id"],
        ),
        sa.PrimaryKeyConstraint("vote_id"),
    )
