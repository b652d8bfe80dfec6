"""The files of the grid and what a player shows of them: each is made once in a test session, whichever worker comes first."""

from __future__ import annotations

import pickle
from pathlib import Path

from filelock import FileLock

from tests.media_grid.kinds import MediaKind, grid
from tests.media_grid.maker import make_file, make_sources
from tests.media_grid.player import Shown, play


class GridFiles:
    """Makes files on demand in a folder that all workers of a session share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = {kind: number for number, kind in enumerate(grid()[0])}
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "sources.lock"):
            if not (folder / "sources").exists():
                (folder / "making").mkdir()
                make_sources(folder / "making")
                (folder / "making").rename(folder / "sources")

    def get(self, kind: MediaKind) -> tuple[Path, Shown]:
        """A file of that kind, and what a player shows of it."""
        label = f"{self._numbers[kind]:03d}" if kind in self._numbers else str(kind).replace("/", "-")
        folder = self.folder / label
        with FileLock(self.folder / f"{label}.lock"):
            remembered = folder.with_suffix(".pickle")
            if not remembered.exists():
                path = make_file(kind, folder, self.folder / "sources")
                remembered.write_bytes(pickle.dumps((path, play(path, folder))))
            return pickle.loads(remembered.read_bytes())
