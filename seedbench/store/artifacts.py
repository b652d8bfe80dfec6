"""Files of a workspace, addressed by content: a folder by default, any fsspec URL by choice.

Nothing read back is trusted: an artifact is handed out only when its content is what its name says, and one that is damaged is replaced
when the same content is put again.
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
#: What a system says of a path at which no file is. Any other error says nothing of the file: too many open files, a disk that fails.
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Artifacts:
    """A content-addressed store at a folder or an fsspec URL (``s3://bucket/prefix``)."""

    def __init__(self, url: str, scratch: Path, fetched: Path) -> None:
        """``scratch`` is room of this process's own, ``fetched`` what all processes keep of a remote store."""
        self.url = url
        self.scratch = scratch
        self.fetched = fetched
        self._local = Path(url) if "://" not in url else None

    def put(self, file: Path, *, move: bool = False) -> str:
        """Store a file's content.

        Args:
            file: a file, or a link to one; what is linked to is copied and stays as it is.
            move: the store may take the file itself, where that is a plain file in this workspace's scratch.

        Returns:
            The sha256 of the content. What lies in the store under it is replaced if it is not that content.

        Raises:
            ClipError: ``file`` is no file, or cannot be read.
            StorageError: the store cannot be written.
        """
        sha256 = file_sha256(file)
        key = _key(sha256, file.suffix)
        if self._local is None:
            self._put_remote(file, sha256, key)
            return sha256
        target = self._local / key
        with suppress(OSError):  # one that cannot be read is written again
            if _holds(target, sha256):
                return sha256
        try:
            move_aside(target, self._local)
            target.parent.mkdir(parents=True, exist_ok=True)
            if move and self._may_take(file) and file.stat().st_dev == target.parent.stat().st_dev:
                os.replace(file, target)
            else:
                with atomic_write(target) as place:
                    shutil.copyfile(file, place)
                    if not _holds(place, sha256):
                        raise ClipUnavailableError(f"{file}: was changed while it was stored")
        except OSError as error:
            raise StorageError(f"the artifact store {self.url} cannot be written ({error.strerror or error})") from error
        return sha256

    def _may_take(self, file: Path) -> bool:
        """Whether a file is the workspace's alone: no link in scratch leads to it, and no other name (a hard link) has its content."""
        scratch = Path(os.path.realpath(self.scratch))
        alone = not file.is_symlink() and file.stat().st_nlink == 1
        return alone and Path(os.path.realpath(file)).is_relative_to(scratch)

    def put_bytes(self, data: bytes, suffix: str) -> str:
        """Store bytes; returns their sha256. Raises StorageError."""
        file = self.scratch / f"{uuid.uuid4().hex}{suffix}"
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            return self.put(file, move=True)
        except (OSError, ClipError) as error:
            raise StorageError(f"{file} cannot be written ({getattr(error, 'strerror', None) or error})") from error
        finally:
            file.unlink(missing_ok=True)

    def local(self, sha256: str, suffix: str) -> Path:
        """A local path with that content (downloaded once from a remote store), its hash checked once a process.

        Raises:
            ArtifactError: it is gone, or damaged.
            StorageError: the store cannot be reached, holds nothing at all, or the artifact cannot be read now.
        """
        key = _key(sha256, suffix)
        if self._local is None:
            return self._fetched(sha256, key)
        found = self._local / key
        try:
            if _holds(found, sha256):
                return found
            os.lstat(found)
        except (FileNotFoundError, NotADirectoryError):
            self._check_there()
            raise ArtifactError(f"the artifact {_short(key)} is gone from the store") from None
        except OSError as error:
            raise StorageError(f"the artifact {_short(key)} cannot be read from {self.url} ({error.strerror})") from error
        raise ArtifactError(f"the artifact {_short(key)} in the store is damaged: {_what_is_wrong(found)}")

    def _check_there(self) -> None:
        """Raise StorageError where a store in a folder holds nothing at all, as the folder does whose drive is not connected."""
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
                f"If it was deleted, make the folder {self._local / '00'} and give the command again: its clips then count as gone"
            )

    def remove(self, sha256: str, suffix: str) -> bool:
        """Remove an artifact, damaged or not, and the copy fetched from a remote store.

        Returns:
            Whether there was one.

        Raises:
            StorageError: it cannot be removed, or the store cannot be reached or holds nothing at all.
        """
        key = _key(sha256, suffix)
        try:
            (self.fetched / key).unlink(missing_ok=True)
            if self._local is not None:
                (self._local / key).unlink()
                return True
        except (FileNotFoundError, NotADirectoryError):
            self._check_there()
            return False
        except (IsADirectoryError, PermissionError) as error:  # systems differ in what they say of a folder
            if self._local is not None and (self._local / key).is_dir():
                return False
            raise StorageError(f"the artifact {_short(key)} cannot be removed from {self.url} ({error.strerror})") from error
        except OSError as error:
            raise StorageError(f"the artifact {_short(key)} cannot be removed from {self.url} ({error.strerror})") from error
        with self._remote("removed from") as (filesystem, root):
            there = bool(filesystem.exists(f"{root}/{key}"))
            if there:
                filesystem.rm(f"{root}/{key}", recursive=True)
        return there

    # -- stores behind an fsspec URL -------------------------------------------------------------------------------------------

    @contextmanager
    def _remote(self, doing: str) -> Iterator[tuple[Any, str]]:
        """The file system behind the URL and the path in it; whatever it raises is said as a StorageError."""
        import fsspec

        try:
            filesystem, root = fsspec.core.url_to_fs(self.url)
            yield filesystem, root.rstrip("/")
        except StorageError:
            raise
        except Exception as error:  # each service behind fsspec raises errors of its own, and each means that it gives no answer
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise StorageError(f"an artifact cannot be {doing} {self.url} ({reason})") from error

    def _put_remote(self, file: Path, sha256: str, key: str) -> None:
        with self._remote("written to") as (filesystem, root):
            place = f"{root}/{key}"
            if filesystem.exists(place):
                if _remote_holds(filesystem, place, sha256):
                    return
                filesystem.rm(place, recursive=True)
            filesystem.makedirs(f"{root}/{sha256[:2]}", exist_ok=True)
            filesystem.put_file(str(file), place)

    def _fetched(self, sha256: str, key: str) -> Path:
        """The copy of a remote artifact, fetched (again) unless it is there and whole."""
        target = self.fetched / key
        with suppress(OSError):  # a copy that cannot be read is fetched again
            if _holds(target, sha256):
                return target
        try:
            move_aside(target, self.fetched)
            with atomic_write(target) as place, self._remote("read from") as (filesystem, root):
                if not filesystem.exists(f"{root}/{key}"):
                    raise ArtifactError(f"the artifact {_short(key)} is gone from {self.url}")
                if not filesystem.isfile(f"{root}/{key}"):
                    raise ArtifactError(f"the artifact {_short(key)} in {self.url} is damaged: it is a folder, not a file")
                filesystem.get_file(f"{root}/{key}", str(place))
                if not _holds(place, sha256):
                    raise ArtifactError(f"the artifact {_short(key)} in {self.url} is damaged: {_what_is_wrong(place)}")
        except OSError as error:
            raise StorageError(f"{target} cannot be written ({error.strerror or error})") from error
        return target


def _key(sha256: str, suffix: str) -> str:
    return f"{sha256[:2]}/{sha256}{suffix}"


def _short(key: str) -> str:
    """An artifact's name for a sentence: enough of its hash to find it by."""
    name = key.partition("/")[2]
    return f"{name[:12]}...{name[64:]}"


def _holds(file: Path, sha256: str) -> bool:
    """Whether ``file`` is a file with that content. Raises OSError where it cannot be read now, which says nothing of its content."""
    try:
        return file_sha256(file) == sha256
    except ClipUnavailableError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno not in _NO_FILE:
            raise error.__cause__ from None
        return False


def _what_is_wrong(file: Path) -> str:
    """Why ``file``, which does not hold what it should, does not."""
    try:
        file_sha256(file)
        size = file.stat().st_size
    except (ClipError, OSError) as error:
        return str(error).removeprefix(f"{file}: ")
    return f"its {size} bytes are not those that were stored" if size else "it is empty"


def _remote_holds(filesystem: Any, place: str, sha256: str) -> bool:
    if not filesystem.isfile(place):
        return False
    digest = hashlib.sha256()
    with filesystem.open(place, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == sha256
