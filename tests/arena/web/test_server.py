"""What the server does for itself between votes."""

from __future__ import annotations

import platform

import psutil
import pytest

from seedbench.arena.web.server import release_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have nothing to be told")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    process = psutil.Process()
    release_memory()
    before = process.memory_info().rss
    kept = [bytes(4_000) for _ in range(40_000)][-1:]  # the last one lies on top of all others, which glibc keeps therefore
    held = process.memory_info().rss - before
    release_memory()
    assert len(kept) == 1
    assert held > 100e6
    assert process.memory_info().rss - before < 0.2 * held
