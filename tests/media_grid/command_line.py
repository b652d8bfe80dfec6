"""FFmpeg's command line, from a wheel: it makes the files of the grid and shows what a player shows of them."""

from __future__ import annotations

import subprocess
from functools import lru_cache

import imageio_ffmpeg


@lru_cache(maxsize=1)
def _program() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def ffmpeg(*arguments: object) -> str:
    """Run FFmpeg on one thread.

    Args:
        arguments: what follows the options that all calls share.

    Returns:
        Its messages.

    Raises:
        RuntimeError: it failed; with its last messages.
    """
    command = [_program(), "-hide_banner", "-nostdin", "-nostats", "-y", "-threads", "1", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-1500:]}")
    return done.stderr
