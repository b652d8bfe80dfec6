"""Files that are there whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
