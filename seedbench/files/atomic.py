"""Atomic writing: a file is there complete, or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """Write a file so that nobody ever sees a part of it.

    The block writes to a temporary path. When the block ends, that path is renamed to ``file``; when the block fails, it is removed and
    ``file`` stays as it was. Several processes may write the same file at once: each has its own temporary path, and the last one wins.

    Args:
        file: the file to write. Missing parent folders are created.

    Yields:
        The temporary path, in the same folder as ``file``. Its name ends in ``.part``.

    Raises:
        OSError: the folder or the file cannot be written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> with atomic_write(file) as partial:
    ...     _ = partial.write_text("all of it")
    ...     file.exists()
    False
    >>> file.read_text(), [path.name for path in file.parent.iterdir()]
    ('all of it', ['a.txt'])
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{uuid.uuid4().hex}.part")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def move_aside(file: Path, root: Path) -> None:
    """Rename whatever prevents ``file`` from being written: a folder of that name, or a file where one of its parent folders must be.

    Nothing is deleted. What was renamed stays beside it, under a name that ends in ``.aside``.

    Args:
        file: the file that is to be written, somewhere below ``root``.
        root: the folder that itself is never renamed.

    Raises:
        OSError: something cannot be renamed.
    """
    for parent in reversed(file.relative_to(root).parents[:-1]):
        if os.path.lexists(root / parent) and not (root / parent).is_dir():
            _rename_aside(root / parent)
    if file.is_dir() and not file.is_symlink():
        _rename_aside(file)


def _rename_aside(path: Path) -> None:
    with suppress(FileNotFoundError):  # another process was faster
        path.rename(path.with_name(f"{path.name}.{uuid.uuid4().hex}.aside"))
