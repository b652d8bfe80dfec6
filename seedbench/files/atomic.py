"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A place beside ``file`` to write to, which becomes ``file`` when the block ends and is removed when it fails.

    Folders above are made. Processes that write the same file at once do not meet: each has a place of its own, and the last stays.
    Raises OSError where there is no writing.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> with whole(file) as place:
    ...     _ = place.write_text("all of it")
    ...     file.exists()
    False
    >>> file.read_text(), [one.name for one in file.parent.iterdir()]
    ('all of it', ['a.txt'])
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    place = file.with_name(f"{file.name}.{uuid.uuid4().hex}.part")
    try:
        yield place
        place.replace(file)
    finally:
        place.unlink(missing_ok=True)


def move_aside(place: Path, root: Path) -> None:
    """Rename what keeps the file ``place`` below ``root`` from being written: a folder there, or a file where a folder above it must be.

    Nothing is deleted: what it was stays beside it under a name that ends in ``.aside``. Raises OSError where there is no writing.
    """
    for part in reversed(place.relative_to(root).parents[:-1]):
        if os.path.lexists(root / part) and not (root / part).is_dir():
            _rename_aside(root / part)
    if place.is_dir() and not place.is_symlink():
        _rename_aside(place)


def _rename_aside(place: Path) -> None:
    with suppress(FileNotFoundError):  # another process was faster
        place.rename(place.with_name(f"{place.name}.{uuid.uuid4().hex}.aside"))
