"""The database: its migrations produce its models, and errors of the database are one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from seedbench.errors import StorageError
from seedbench.store import RunRow, Store
from seedbench.store.locks import locks_of
from seedbench.store.models import RunTable
from seedbench.store.session import upgrade


def test_the_migrations_lead_to_the_models(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), RunTable.metadata) == []


def test_sqlite_uses_write_ahead_logging_and_enforces_foreign_keys(tmp_path: Path) -> None:
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


def test_a_database_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'no' / 'folder' / 'a.db'}")


def test_a_doubled_name_is_a_storage_error(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(StorageError, match="cannot be read or written"), store.session() as session:
        session.add_all([RunRow(name="r", spec={}, spec_hash="0"), RunRow(name="r", spec={}, spec_hash="0")])


def python_at_once(n: int, code: str, *arguments: str) -> list[str]:
    """The output of ``n`` processes that run ``code`` at the same time; each must exit with 0."""
    command = [sys.executable, "-c", code, *arguments]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(n)]
    ended = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * n, "\n".join(err for _, err in ended)
    return [out for out, _ in ended]


def test_processes_that_open_a_new_database_at_once_all_find_it_complete(tmp_path: Path) -> None:
    code = "import sys; from seedbench.store import Store, RunRow; from seedbench.arena.store import open_store\n"
    code += "with open_store(sys.argv[1]).session() as session: print(session.query(RunRow).count())"
    for attempt in range(2):
        assert python_at_once(3, code, f"sqlite:///{tmp_path / f'{attempt}.db'}") == ["0\n"] * 3


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    engine = Store(f"sqlite:///{tmp_path / 'a.db'}").engine
    scripts = tmp_path / "scripts"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "env.py").write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['connection'], version_table='other')\n"
        "with context.begin_transaction():\n    context.run_migrations()\n"
    )
    migration = scripts / "versions" / "one.py"
    stumbling = "import sqlalchemy as sa\nfrom alembic import op\nrevision = '1'\ndown_revision = None\n\n\ndef upgrade():\n"
    stumbling += "    op.create_table('t', sa.Column('a', sa.Integer))\n"
    migration.write_text(stumbling + "    raise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError):
        upgrade(engine, scripts)
    migration.write_text(stumbling)
    upgrade(engine, scripts)
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from t")).scalar() == 0


ADD = """
import sys
from seedbench.store import RunRow, Store
store = Store(sys.argv[1])
for _ in range(20):
    with store.writing() as session:
        run = session.query(RunRow).one()
        run.provenance = {"n": run.provenance["n"] + 1}
"""


def test_simultaneous_writers_lose_no_update(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = Store(url)
    with store.session() as session:
        session.add(RunRow(name="r", spec={}, spec_hash="0", provenance={"n": 0}))
    python_at_once(3, ADD, url)
    with store.session() as session:
        assert session.query(RunRow).one().provenance == {"n": 60}


def test_a_reader_sees_one_consistent_snapshot(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    with store.reading() as session:
        assert session.query(RunRow).count() == 0
        with store.writing() as other:
            other.add(RunRow(name="r", spec={}, spec_hash="0"))
        assert session.query(RunRow).count() == 0
    with store.reading() as session:
        assert session.query(RunRow).count() == 1


def until_logged(log: pytest.LogCaptureFixture) -> None:
    deadline = time.monotonic() + 30
    while not log.records and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_wait_for_the_upgrade_of_a_database_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with ThreadPoolExecutor(1) as pool:
        with locks_of(create_engine(url)).hold("the form of the database"):
            opening = pool.submit(Store, url)
            until_logged(caplog)
            assert not opening.done()
        with opening.result().session() as session:
            assert session.query(RunRow).count() == 0
    [message] = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(rf"waiting for process {os.getpid()}, since .* UTC, which upgrades the database", message)


def test_a_database_that_another_process_keeps_locked_is_an_error_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    monkeypatch.setattr("seedbench.store.session.BUSY_S", 0)
    other = Store(store.url)
    message = r"the database .* cannot be written: another process has locked it for 0 s\. Nothing in it is lost: run the command again"
    with store.writing(), pytest.raises(StorageError, match=message), other.writing():
        pass
