"""The database: runs, cells and scores. SQLite (WAL) by default, PostgreSQL by URL; the schema moves by Alembic migrations."""

from seedbench.store.models import CellRow, RunRow, ScoreRow, SetDifferenceRow, SetScoreRow
from seedbench.store.session import Store

__all__ = ["CellRow", "RunRow", "ScoreRow", "SetDifferenceRow", "SetScoreRow", "Store"]
