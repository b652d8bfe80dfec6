"""The database: its migrations lead to its models, and what cannot be opened is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from seedbench.errors import StorageError
from seedbench.store import RunRow, Store
from seedbench.store.models import Base


def test_the_migrations_lead_to_the_models(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_sqlite_writes_ahead_and_keeps_foreign_keys(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'a.db'}").engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with Store(url).session() as session:
        session.add(RunRow(name="r", spec={}, spec_hash="0"))
    with Store(url).session() as session:
        assert session.query(RunRow).one().name == "r"


def test_an_error_inside_a_session_rolls_back(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")

    def write_and_stumble() -> None:
        with store.session() as session:
            session.add(RunRow(name="r", spec={}, spec_hash="0"))
            session.flush()
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        write_and_stumble()
    with store.session() as session:
        assert session.query(RunRow).count() == 0


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'no' / 'folder' / 'a.db'}")


def test_a_doubled_name_is_a_storage_error(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(StorageError, match="cannot be written"), store.session() as session:
        session.add_all([RunRow(name="r", spec={}, spec_hash="0"), RunRow(name="r", spec={}, spec_hash="0")])
