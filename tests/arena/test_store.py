"""The arena's tables stand beside those of the runs, each with migrations of their own."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from arena.store import open_store
from arena.store.models import Base
from seedbench.store import Store


def test_the_migrations_lead_to_the_models(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    ours = {"include_object": lambda thing, name, kind, reflected, other: kind != "table" or name in Base.metadata.tables}
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), Base.metadata) == []


def test_runs_and_arena_share_a_database_and_open_in_any_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    for opened in (Store, open_store, Store, open_store):
        names = set(inspect(opened(url).engine).get_table_names())
    assert {"runs", "cells", "alembic_version", "arena_votes", "arena_alembic_version"} <= names
