"""The artifact store: files addressed by their content, in a folder or at any fsspec URL.

What is read back is checked: an artifact is only returned when its content has the hash in its name. A damaged one is replaced when the
same content is stored again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seedbench.errors import ArtifactError, ClipError, ClipUnavailableError, StorageError
from seedbench.files.atomic import atomic_write, move_aside
from seedbench.files.hashing import file_sha256

_BLOCK_BYTES = 1 << 20
#: Error numbers that mean that there is no such file. All others say nothing about the file: too many open files, a failing disk.
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Artifacts:
    """A content-addressed store in a folder or at an fsspec URL.

    Args:
        url: a folder, or a URL such as ``s3://bucket/prefix``.
        scratch: the folder for temporary files of this process.
        fetched: the folder for copies of artifacts from a remote store.
    """

    def __init__(self, url: str, scratch: Path, fetched: Path) -> None:
        self.url = url
        self.scratch = scratch
        self.fetched = fetched
        self._local = Path(url) if "://" not in url else None

    def put(self, file: Path, *, move: bool = False) -> str:
        """Store a file's content.

        Args:
            file: a file, or a link to one. A link's target is copied and stays as it is.
            move: the store may move the file instead of copying it, if it is a plain file in this workspace's scratch folder.

        Returns:
            The sha256 of the content. A damaged artifact of that name is replaced.

        Raises:
            ClipError: ``file`` is not a file, or cannot be read.
            StorageError: the content cannot be copied into the store.
        """
        sha256 = file_sha256(file)
        key = _key(sha256, file.suffix)
        if self._local is None:
            self._put_remote(file, sha256, key)
            return sha256
        target = self._local / key
        with suppress(OSError):  # an artifact that cannot be read is written again
            if _holds(target, sha256):
                return sha256
        try:
            move_aside(target, self._local)
            target.parent.mkdir(parents=True, exist_ok=True)
            if move and self._may_move(file) and file.stat().st_dev == target.parent.stat().st_dev:
                os.replace(file, target)
            else:
                with atomic_write(target) as partial:
                    shutil.copyfile(file, partial)
                    if not _holds(partial, sha256):
                        raise ClipUnavailableError(f"{file}: was changed while it was stored")
        except OSError as error:
            raise StorageError(f"{file.name} cannot be copied into the artifact store {self.url} ({error.strerror or error})") from error
        return sha256

    def _may_move(self, file: Path) -> bool:
        """Whether a file belongs to the workspace alone: it lies in scratch, is not a link, and has no other name (hard link)."""
        scratch = Path(os.path.realpath(self.scratch))
        alone = not file.is_symlink() and file.stat().st_nlink == 1
        return alone and Path(os.path.realpath(file)).is_relative_to(scratch)

    def put_bytes(self, data: bytes, suffix: str) -> str:
        """Store bytes.

        Args:
            data: the content.
            suffix: the ending of the artifact's name, with the dot (``.json``).

        Returns:
            The sha256 of the content, 64 hexadecimal digits.

        Raises:
            StorageError: the content cannot be copied into the store.
        """
        file = self.scratch / f"{uuid.uuid4().hex}{suffix}"
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            return self.put(file, move=True)
        except (OSError, ClipError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StorageError(f"{file} cannot be written, or copied into the artifact store ({reason})") from error
        finally:
            file.unlink(missing_ok=True)

    def local(self, sha256: str, suffix: str) -> Path:
        """The path of an artifact on this machine. Its hash is checked once in a process; from a remote store it is fetched once.

        Args:
            sha256: what :meth:`put` returned.
            suffix: the ending of the file that was stored, with the dot.

        Returns:
            A file with exactly this content. Do not write into it.

        Raises:
            ArtifactError: the artifact is gone, or damaged.
            StorageError: the store cannot be reached, is empty, or the artifact cannot be read at the moment.
        """
        key = _key(sha256, suffix)
        if self._local is None:
            return self._fetched(sha256, key)
        file = self._local / key
        try:
            if _holds(file, sha256):
                return file
            os.lstat(file)
        except (FileNotFoundError, NotADirectoryError):
            self._check_not_empty()
            raise ArtifactError(f"the artifact {_short(key)} is gone from the store") from None
        except OSError as error:
            raise StorageError(f"the artifact {_short(key)} cannot be read from {self.url} ({error.strerror})") from error
        raise ArtifactError(f"the artifact {_short(key)} in the store is damaged: {_damage(file)}")

    def _check_not_empty(self) -> None:
        """Raise StorageError for an empty or missing folder: it may be the mount point of a drive that is not connected."""
        if self._local is None:
            return
        try:
            names, state = os.listdir(self._local), "empty"
        except (FileNotFoundError, NotADirectoryError):
            names, state = [], "not there"
        except OSError as error:
            raise StorageError(f"the artifact store {self.url} cannot be read ({error.strerror})") from error
        if not any(len(name) == len("00") for name in names):
            raise StorageError(
                f"the artifact store {self.url} is {state}: is its drive connected? "
                f"If it was deleted, create the folder {self._local / '00'} and run the command again: its clips then count as gone"
            )

    def remove(self, sha256: str, suffix: str) -> bool:
        """Remove an artifact, damaged or not, and the copy fetched from a remote store.

        Args:
            sha256: what :meth:`put` returned.
            suffix: the ending of the file that was stored, with the dot.

        Returns:
            Whether there was one.

        Raises:
            StorageError: it cannot be removed, or the store cannot be reached or is empty.
        """
        key = _key(sha256, suffix)
        try:
            (self.fetched / key).unlink(missing_ok=True)
            if self._local is not None:
                (self._local / key).unlink()
                return True
        except (FileNotFoundError, NotADirectoryError):
            self._check_not_empty()
            return False
        except (IsADirectoryError, PermissionError) as error:  # which of the two is raised for a folder depends on the system
            if self._local is not None and (self._local / key).is_dir():
                return False
            raise StorageError(f"the artifact {_short(key)} cannot be removed from {self.url} ({error.strerror})") from error
        except OSError as error:
            raise StorageError(f"the artifact {_short(key)} cannot be removed from {self.url} ({error.strerror})") from error
        with self._remote("removed from") as (filesystem, root):
            exists = bool(filesystem.exists(f"{root}/{key}"))
            if exists:
                filesystem.rm(f"{root}/{key}", recursive=True)
        return exists

    # -- stores behind an fsspec URL -------------------------------------------------------------------------------------------

    @contextmanager
    def _remote(self, doing: str) -> Iterator[tuple[Any, str]]:
        """The file system at the URL and the path in it. All its errors become StorageErrors, "an artifact cannot be {doing} URL"."""
        import fsspec

        try:
            filesystem, root = fsspec.core.url_to_fs(self.url)
            yield filesystem, root.rstrip("/")
        except StorageError:
            raise
        except Exception as error:  # each fsspec service raises errors of its own
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise StorageError(f"an artifact cannot be {doing} {self.url} ({reason})") from error

    def _put_remote(self, file: Path, sha256: str, key: str) -> None:
        with self._remote("written to") as (filesystem, root):
            path = f"{root}/{key}"
            if filesystem.exists(path):
                if _remote_holds(filesystem, path, sha256):
                    return
                filesystem.rm(path, recursive=True)
            filesystem.makedirs(f"{root}/{sha256[:2]}", exist_ok=True)
            filesystem.put_file(str(file), path)

    def _fetched(self, sha256: str, key: str) -> Path:
        """The local copy of a remote artifact, fetched unless it exists and is undamaged."""
        target = self.fetched / key
        with suppress(OSError):  # a copy that cannot be read is fetched again
            if _holds(target, sha256):
                return target
        try:
            move_aside(target, self.fetched)
            with atomic_write(target) as partial, self._remote("read from") as (filesystem, root):
                if not filesystem.exists(f"{root}/{key}"):
                    raise ArtifactError(f"the artifact {_short(key)} is gone from {self.url}")
                if not filesystem.isfile(f"{root}/{key}"):
                    raise ArtifactError(f"the artifact {_short(key)} in {self.url} is damaged: it is a folder, not a file")
                filesystem.get_file(f"{root}/{key}", str(partial))
                if not _holds(partial, sha256):
                    raise ArtifactError(f"the artifact {_short(key)} in {self.url} is damaged: {_damage(partial)}")
        except OSError as error:
            raise StorageError(f"the artifact {_short(key)} cannot be fetched to {target} ({error.strerror or error})") from error
        return target


def _key(sha256: str, suffix: str) -> str:
    return f"{sha256[:2]}/{sha256}{suffix}"


def _short(key: str) -> str:
    """A short form of an artifact's name for messages: the first 12 digits of its hash, and its suffix."""
    name = key.partition("/")[2]
    return f"{name[:12]}...{name[64:]}"


def _holds(file: Path, sha256: str) -> bool:
    """Whether ``file`` is a file with that content. Raises OSError where it cannot be read at the moment."""
    try:
        return file_sha256(file) == sha256
    except ClipUnavailableError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno not in _NO_FILE:
            raise error.__cause__ from None
        return False


def _damage(file: Path) -> str:
    """What is wrong with a file that does not have the content it should have, in words."""
    try:
        file_sha256(file)
        size = file.stat().st_size
    except (ClipError, OSError) as error:
        return str(error).removeprefix(f"{file}: ")
    return f"its {size} bytes are not those that were stored" if size else "it is empty"


def _remote_holds(filesystem: Any, path: str, sha256: str) -> bool:
    if not filesystem.isfile(path):
        return False
    digest = hashlib.sha256()
    with filesystem.open(path, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == sha256
