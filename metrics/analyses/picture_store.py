"""Pictures that are needed several times, in bounded memory: what does not fit is kept in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import IO, Protocol

import numpy as np

from seedbench.errors import ClipUnavailableError

IN_MEMORY_BYTES = 100_000_000
"""The most bytes of pictures that a store keeps in memory."""


class Pictures(Protocol):
    """Pictures of one size (H, W, 3) uint8 by number: an array (T, H, W, 3) or a store."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


class PictureStore:
    """Pictures of one size. The first ones are in memory, those beyond a number of bytes in a temporary file without a name.

    >>> store = PictureStore((np.full((2, 2, 3), level, np.uint8) for level in range(5)), in_memory_bytes=30)
    >>> len(store), [int(picture.max()) for picture in store], int(store[4].max())
    (5, [0, 1, 2, 3, 4], 4)
    """

    def __init__(self, pictures: Iterable[np.ndarray], *, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        """Take all pictures.

        Args:
            pictures: (H, W, 3) uint8, all of one size, at least one.
            in_memory_bytes: The most bytes to keep in memory.

        Raises:
            ClipUnavailableError: The temporary file cannot be written.
        """
        self._kept: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._in_file = 0
        for picture in pictures:
            if (len(self._kept) + 1) * picture.nbytes <= in_memory_bytes or not self._kept:
                self._kept.append(np.ascontiguousarray(picture))
            else:
                self._append_to_file(picture)

    def _append_to_file(self, picture: np.ndarray) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the store is no longer used
                weakref.finalize(self, self._file.close)
            self._file.write(np.ascontiguousarray(picture).data)
        except OSError as error:
            raise ClipUnavailableError(
                f"{tempfile.gettempdir()}: the pictures of a long clip could not be kept there ({error.strerror}); "
                "free some space, or set TMPDIR to a folder that has some"
            ) from error
        self._in_file += 1

    def __len__(self) -> int:
        return len(self._kept) + self._in_file

    def __getitem__(self, index: int, /) -> np.ndarray:
        """Picture ``index``, (H, W, 3) uint8: do not write into it. Raises IndexError, and ClipUnavailableError for a file that fails."""
        if not 0 <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}")
        if index < len(self._kept) or self._file is None:
            return self._kept[index]
        picture = np.empty_like(self._kept[0])
        try:
            self._file.seek((index - len(self._kept)) * picture.nbytes)
            n_read = self._file.readinto(picture.data.cast("B"))  # type: ignore[attr-defined]
        except OSError as error:
            raise ClipUnavailableError(f"{tempfile.gettempdir()}: kept pictures could not be read ({error.strerror}); try again") from error
        if n_read != picture.nbytes:
            raise ClipUnavailableError(f"{tempfile.gettempdir()}: kept pictures were cut off; try again")
        return picture

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))
