"""The arena's tables stand beside those of the runs, each with migrations of their own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

import seedbench.arena.store
from seedbench.arena.store import ClipRow, open_store
from seedbench.arena.store.models import ArenaBase
from seedbench.store import Store


def test_the_migrations_lead_to_the_models(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    ours = {"include_object": lambda thing, name, kind, reflected, other: kind != "table" or name in ArenaBase.metadata.tables}
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), ArenaBase.metadata) == []


def test_runs_and_arena_share_a_database_and_open_in_any_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    for opened in (Store, open_store, Store, open_store):
        names = set(inspect(opened(url).engine).get_table_names())
    assert {"runs", "cells", "alembic_version", "arena_votes", "arena_alembic_version"} <= names


def up_to(store: Store, revision: str) -> None:
    """Bring the arena's tables to the form that an older release left."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(Path(seedbench.arena.store.__file__).parent / "migrations"))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.mark.parametrize(
    ("runs", "known"), [(("spring", "spring"), ["spring", "spring", "spring"]), (("spring", "autumn"), ["spring", "autumn", ""])]
)
def test_a_database_of_before_learns_the_runs_of_its_clips_from_its_pairs(tmp_path: Path, runs: tuple[str, str], known: list[str]) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = Store(url)
    up_to(store, "0002")
    with store.engine.begin() as connection:
        connection.execute(text("insert into arena_studies values (1, 's', '2026-01-01', '{}', '{}', x'00')"))
        for number in (1, 2, 3):
            connection.execute(text(f"insert into arena_clips values ({number}, 1, 'alpha', '', '', 'f', 1.0, '{{}}')"))
        for first, run in enumerate(runs, 1):  # the third clip is never the first of a pair
            connection.execute(
                text(
                    "insert into arena_pairs (study_id, kind, first_id, second_id, run, prompt, text, seed, task, category, profile, "
                    "with_sound, captions) values (1, 'pair', :first, 3, :run, 'p', 't', 0, 'k', '', 'matched', 1, '[]')"
                ),
                {"first": first, "run": run},
            )
    store.close()
    with open_store(url).session() as session:
        assert [clip.run for clip in session.scalars(select(ClipRow).order_by(ClipRow.id))] == known


def test_a_study_of_before_hashes_were_kept_opens(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = Store(url)
    up_to(store, "0003")
    with store.engine.begin() as connection:
        connection.execute(text("insert into arena_studies values (1, 's', '2026-01-01', '{}', '{}', x'00')"))
        connection.execute(
            text(
                "insert into arena_clips (study_id, generator, source_sha256, broken, file, duration_s, style) "
                "values (1, 'a', '', '', 'a.mp4', 1.0, '{}')"
            )
        )
    store.close()
    with open_store(url).session() as session:
        [clip] = session.scalars(select(ClipRow))
        assert (clip.file, clip.file_sha256) == ("a.mp4", "")
