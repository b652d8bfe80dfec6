"""Shared by all tests: the toy plug-in on the path, a workspace of its own for each test, small clips."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

TOY = Path(__file__).parent / "toy"
sys.path.insert(0, str(TOY))  # found by importlib.metadata as an installed distribution; spawned workers inherit the path

from seedbench.clips.writing import write_clip  # noqa: E402
from seedbench.files.scratch import remove_process_folder  # noqa: E402
from seedbench.runs.numba_cache import record_compiled, take_cache_folder  # noqa: E402
from seedbench.store.cache import use_cache  # noqa: E402
from seedbench.store.workspace import Workspace  # noqa: E402
from tests.media_grid.files import GridFiles  # noqa: E402

os.environ["NUMBA_CACHE_DIR"] = str(take_cache_folder(Path(__file__).parent.parent / ".pytest_cache" / "compiled"))


# How long an example takes is up to what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_sessionfinish() -> None:
    """Keep the compiled code for the next session."""
    record_compiled()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty workspace in a folder of the test's own."""
    monkeypatch.setenv("SEEDBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SEEDBENCH_DATABASE_URL", raising=False)
    monkeypatch.delenv("SEEDBENCH_ARTIFACTS", raising=False)
    yield Workspace.current()
    for root in tmp_path.rglob("scratch"):
        remove_process_folder(root)


@pytest.fixture(autouse=True)
def _no_cache_left_behind() -> Iterator[None]:
    before = use_cache(None)
    yield
    use_cache(before)


@pytest.fixture(autouse=True)
def _no_realtime_left_behind() -> Iterator[None]:
    """A library that gives this process realtime priority would starve the browsers and servers that later tests start."""
    if not hasattr(os, "sched_getscheduler"):  # not on every system
        yield
        return
    before = os.sched_getscheduler(0)
    yield
    after = os.sched_getscheduler(0)
    if after != before:
        os.sched_setscheduler(0, before, os.sched_param(0))
        pytest.fail(f"this test left the process with scheduling policy {after}, where it had {before}")


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a small clip: ``make_clip("a.mp4", frames=50, fps=25, tone_hz=440)``; a moving grey square on noise-free ground."""

    def make(
        name: str = "clip.mp4",
        *,
        frames: int = 50,
        fps: float = 25,
        size: tuple[int, int] = (96, 64),
        tone_hz: float | None = 440.0,
        stereo: bool = False,
        **options: object,
    ) -> Path:
        width, height = size
        pictures = []
        for index in range(frames):
            picture = np.full((height, width, 3), 60, np.uint8)
            left = (index * 2) % max(1, width - 16)
            picture[height // 3 : height // 3 + 16, left : left + 16] = (220, 180, 40)
            pictures.append(picture)
        sound = None
        if tone_hz is not None:
            sound = 0.3 * np.sin(2 * np.pi * tone_hz * np.arange(round(frames / fps * 48000)) / 48000).astype(np.float32)
            if stereo:
                sound = np.stack([sound, -0.5 * sound], axis=1)
        return write_clip(tmp_path / name, pictures, fps, sound, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def grid_files(tmp_path_factory: pytest.TempPathFactory) -> GridFiles:
    """Small files of all kinds of containers, codecs and traits (:mod:`tests.media_grid`), shared by the workers of a session."""
    base = tmp_path_factory.getbasetemp()
    return GridFiles((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "media_grid")
