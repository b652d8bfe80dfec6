"""The workspace: the folder with the database, artifacts, cache and temporary files of SeedBench."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seedbench.errors import StorageError
from seedbench.files.scratch import process_folder
from seedbench.store.artifacts import Artifacts
from seedbench.store.cache import DiskCache


@dataclass(frozen=True)
class Workspace:
    """The folder ``.seedbench`` (or ``$SEEDBENCH_HOME``), and what lies in it.

    Attributes:
        folder: the folder, as an absolute path where :meth:`current` made it.
    """

    folder: Path

    @classmethod
    def current(cls) -> Workspace:
        """The workspace of the current directory; created if it is missing.

        Returns:
            The workspace. Its database is not opened yet.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = Path(os.environ.get("SEEDBENCH_HOME") or ".seedbench").resolve()
        try:
            for part in ("artifacts", "cache"):
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        workspace = cls(folder)
        _ = workspace.scratch  # created now, so that a folder that cannot be written is an error at once
        return workspace

    @property
    def database_url(self) -> str:
        """``$SEEDBENCH_DATABASE_URL`` or the SQLite file of this workspace."""
        return os.environ.get("SEEDBENCH_DATABASE_URL") or f"sqlite:///{self.folder / 'seedbench.db'}"

    @property
    def artifacts(self) -> Artifacts:
        """The artifact store: ``$SEEDBENCH_ARTIFACTS`` (an fsspec URL) or a folder of this workspace."""
        return Artifacts(os.environ.get("SEEDBENCH_ARTIFACTS") or str(self.folder / "artifacts"), self.scratch, self.folder / "fetched")

    @property
    def cache(self) -> DiskCache:
        """The cache of analyses and features."""
        return DiskCache(self.folder / "cache")

    @property
    def scratch(self) -> Path:
        """The folder for temporary files of this process alone.

        Returns:
            The folder, which exists.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            return process_folder(self.folder / "scratch", (self.folder / "artifacts", self.folder / "cache"))
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"{folder} cannot be written ({error.strerror}); set SEEDBENCH_HOME to a folder that can be written")
