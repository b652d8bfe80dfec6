"""Files of a workspace, addressed by content: a folder by default, any fsspec URL by choice."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

from seedbench.clip import file_sha256
from seedbench.errors import StorageError
from seedbench.wholefile import whole


class Artifacts:
    """A content-addressed store at a folder or an fsspec URL (``s3://bucket/prefix``)."""

    def __init__(self, url: str, scratch: Path) -> None:
        self.url = url
        self.scratch = scratch
        self._local = Path(url) if "://" not in url else None

    def _key(self, sha256: str, suffix: str) -> str:
        return f"{sha256[:2]}/{sha256}{suffix}"

    def _filesystem(self) -> tuple[Any, str]:
        import fsspec

        return fsspec.core.url_to_fs(self.url)

    def put(self, file: Path, *, move: bool = False) -> str:
        """Store a file; returns its sha256. ``move`` lets the store take a file that was made for it. Raises StorageError."""
        sha256 = file_sha256(file)
        key = self._key(sha256, file.suffix)
        try:
            if self._local is not None:
                target = self._local / key
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if move and file.stat().st_dev == target.parent.stat().st_dev:
                        os.replace(file, target)
                    else:
                        with whole(target) as place:
                            place.write_bytes(file.read_bytes())
            else:
                filesystem, root = self._filesystem()
                if not filesystem.exists(f"{root}/{key}"):
                    filesystem.makedirs(f"{root}/{sha256[:2]}", exist_ok=True)
                    filesystem.put_file(str(file), f"{root}/{key}")
        except OSError as error:
            raise StorageError(f"the artifact store {self.url} cannot be written ({error.strerror or error})") from error
        return sha256

    def put_bytes(self, data: bytes, suffix: str) -> str:
        """Store bytes; returns their sha256."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        file = self.scratch / f"{uuid.uuid4().hex}{suffix}"
        try:
            file.write_bytes(data)
            return self.put(file, move=True)
        except OSError as error:
            raise StorageError(f"{file} cannot be written ({error.strerror})") from error
        finally:
            file.unlink(missing_ok=True)

    def local(self, sha256: str, suffix: str) -> Path:
        """A local path with that content (downloaded once from a remote store). Raises StorageError when it is not there."""
        key = self._key(sha256, suffix)
        if self._local is not None:
            found = self._local / key
            if not found.exists():
                raise StorageError(f"the artifact {key} is gone from {self.url}")
            return found
        target = self.scratch / "fetched" / key
        if not target.exists():
            filesystem, root = self._filesystem()
            try:
                with whole(target) as place:
                    filesystem.get_file(f"{root}/{key}", str(place))
            except OSError as error:
                raise StorageError(f"the artifact {key} cannot be had from {self.url} ({error})") from error
        return target


class DiskCache:
    """Analyses and features by key, in a folder; a file appears whole or not at all. Safe for several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _place(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest() if len(key) != 64 else key
        return self.folder / name[:2] / name

    def get(self, key: str) -> bytes | None:
        """The bytes under ``key``, or None."""
        try:
            return self._place(key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, data: bytes) -> None:
        """Store bytes under ``key``. Raises StorageError when the folder cannot be written."""
        try:
            with whole(self._place(key)) as place:
                place.write_bytes(data)
        except OSError as error:
            raise StorageError(f"the cache {self.folder} cannot be written ({error.strerror})") from error
