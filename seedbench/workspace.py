"""Where SeedBench keeps its things: database, artifacts, cache and scratch, under one folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seedbench.artifacts import Artifacts, DiskCache
from seedbench.errors import StorageError


@dataclass(frozen=True)
class Workspace:
    """The folder ``.seedbench`` (or ``$SEEDBENCH_HOME``) with what belongs in it."""

    folder: Path

    @classmethod
    def current(cls) -> Workspace:
        """The workspace of this directory; made if it is not there. Raises StorageError when it cannot be written."""
        folder = Path(os.environ.get("SEEDBENCH_HOME") or ".seedbench").resolve()
        try:
            for part in ("artifacts", "cache", "scratch"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            probe = folder / "scratch" / f".writable.{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise StorageError(f"{folder} cannot be written ({error.strerror}); set SEEDBENCH_HOME to a folder that can") from error
        return cls(folder)

    @property
    def database_url(self) -> str:
        """``$SEEDBENCH_DATABASE_URL`` or the SQLite file of this workspace."""
        return os.environ.get("SEEDBENCH_DATABASE_URL") or f"sqlite:///{self.folder / 'seedbench.db'}"

    @property
    def artifacts(self) -> Artifacts:
        """The artifact store: ``$SEEDBENCH_ARTIFACTS`` (an fsspec URL) or a folder of this workspace."""
        return Artifacts(os.environ.get("SEEDBENCH_ARTIFACTS") or str(self.folder / "artifacts"), self.folder / "scratch")

    @property
    def cache(self) -> DiskCache:
        """Analyses and features by content."""
        return DiskCache(self.folder / "cache")

    @property
    def scratch(self) -> Path:
        """Room for files that are being made."""
        return self.folder / "scratch"
