"""Opening a media file: the errors that a user can read, and which of FFmpeg's formats count as one file.

PyAV's log level is never set. By default, FFmpeg's messages are dropped without calling Python. With a log level, each message needs the
interpreter's lock: a decoding thread that reports a corrupt picture then waits for ever for a main thread that holds the lock and waits for
that thread (``av.logging``, PyAV 18.1). Scoring a clip that is cut off would never end.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seedbench.errors import ClipError, ClipUnavailableError

#: Endings of files that are taken for clips inside a folder; any file that is named by itself is read, whatever its ending.
PICTURE_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".flv", ".wmv", ".3gp", ".ogv", ".gif"}
)
#: The same of files with sound alone.
SOUND_SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"})
#: Formats of FFmpeg that name other files, or draw text: what they show does not depend on the bytes of the file alone.
_NOT_ONE_FILE = frozenset({"concat", "dash", "hls", "imf", "rtsp", "sdp", "tty", "bin", "xbin", "adf", "idf"})
#: The most pixels of a picture: 8K. A header may claim more, and FFmpeg would ask for that memory.
MOST_PIXELS = 8192 * 4608
#: Errors of the machine and not of the file: no memory, too many open files.
_PASSING = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE})


def open_media(path: Path) -> Any:
    """Open a media file for reading. Its name is a name of a file, whatever FFmpeg would read into it.

    Args:
        path: the file.

    Returns:
        PyAV's container, to be closed by the caller (it is a context manager).

    Raises:
        ClipError: it is not a media file, is empty, or is a list of other files.
        ClipUnavailableError: it cannot be read at the moment, or is not a file.
    """
    import av

    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise ClipUnavailableError(f"{path}: is a folder, not a media file")
        if not stat.S_ISREG(state.st_mode):
            raise ClipUnavailableError(f"{path}: is a pipe or a device, not a media file")
        if state.st_size == 0:
            raise ClipError(f"{path}: the file is empty (0 bytes)")
        limits = {"max_pixels": str(MOST_PIXELS), "pattern_type": "none"}
        # "file:" and no patterns: without them "concat:a.mp4" is two files, "http:a.mp4" an address and "a%03d.png" a thousand pictures
        container = av.open(f"file:{path.absolute()}", options=limits, metadata_errors="replace")
    except FileNotFoundError as error:
        raise ClipUnavailableError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise ClipUnavailableError(f"{path}: may not be read ({error.strerror})") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise_if_passing(path, error)
        raise ClipError(f"{path}: is not a media file that can be read, or is cut off ({reason_of(error)})") from error
    names = set(str(container.format.name).split(","))
    if names & _NOT_ONE_FILE:
        container.close()
        raise ClipError(f"{path}: is a list of other files or a text ({container.format.name}), not a media file")
    return container


def packets_of(path: Path, container: Any, streams: Sequence[Any], *, on_break: Callable[[str], None] | None = None) -> Iterator[Any]:
    """The packets of some streams, in the order of the file.

    Args:
        path: the file.
        container: PyAV's container of it.
        streams: the streams.
        on_break: called with the reason where the file breaks off.

    Yields:
        Packets of these streams; where the file breaks off at last a None, which makes a decoder give out what it still holds.

    Raises:
        ClipUnavailableError: the file cannot be read at the moment.
    """
    import av

    indices = {stream.index for stream in streams}
    try:
        for packet in container.demux(list(streams)):
            if packet.stream.index in indices:
                yield packet
    except (av.error.FFmpegError, OSError, IndexError) as error:  # IndexError: a stream that the header did not announce
        raise_if_passing(path, error)
        if on_break is not None:
            on_break(reason_of(error))
        yield None


def raise_if_passing(path: Path, error: Exception) -> None:
    """Raise ClipUnavailableError for an error that does not come from the file's content: it must not lead to a score of half a clip.

    Args:
        path: the file that was being read.
        error: what was raised.
    """
    passing = isinstance(error, MemoryError) or getattr(error, "errno", None) in _PASSING
    if isinstance(error, OSError) and not passing:  # FFmpeg raises these for damaged files as well: decide by reading the file
        try:
            with path.open("rb") as stream:
                while stream.read(1 << 20):
                    pass
        except OSError:
            passing = True
    if passing:
        raise ClipUnavailableError(f"{path}: could not be read ({reason_of(error)})") from error


def reason_of(error: Exception) -> str:
    """The first line of what an error says.

    Args:
        error: the error.
    """
    text = getattr(error, "strerror", None) or str(error)
    return str(text).split("\n")[0]
