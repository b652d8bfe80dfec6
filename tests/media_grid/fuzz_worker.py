"""Reads damaged files one after another and reports on each: run as a process of its own, since a damaged file may end it.

    python -m tests.media_grid.fuzz_worker FOLDER READER FIRST STEP END

READER is a function of a path, as ``module:name``. Mutation ``seed`` damages source ``seed % len(sources)``. Before each one the worker
prints ``begin SEED``, after it a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.errors import ClipError, SeedBenchError
from tests.media_grid.mutations import mutate

#: The longest sentence of an error or a note, without the path.
LONGEST_SENTENCE = 300

#: Reads a file and returns what is wrong with what it got.
Reader = Callable[[Path], list[str]]


def read_clip(path: Path) -> list[str]:
    """Read everything that a clip gives.

    Args:
        path: the file.

    Returns:
        What is wrong with the answers: times that do not ascend, sizes that change, numbers that are not finite, sentences that are none.
    """
    clip = Clip.open(path)
    faults = [fault for note in clip.facts.notes for fault in sentence_faults(note)]
    if clip.facts.has_video:
        faults += _picture_faults(clip)
    if clip.facts.has_audio:
        samples = clip.audio(16_000).samples
        if not np.isfinite(samples).all():
            faults.append("the sound is not finite")
        if len(samples) > 16_000 * (clip.facts.duration_s + 0.1):
            faults.append(f"{len(samples) / 16_000:.1f} s of sound in a clip of {clip.facts.duration_s:.1f} s")
    return faults + [fault for note in clip.notes for fault in sentence_faults(note)]


def copy_clip(path: Path) -> list[str]:
    """Make every copy of a file that people are shown.

    Args:
        path: the file.

    Returns:
        What is wrong with refusals: sentences that are none. What is wrong with the file itself comes from :func:`read_clip`.
    """
    from tests.media_grid.copies import ENCODED, NATIVE

    faults = []
    for copied in (NATIVE, *ENCODED.values()):
        try:
            copied(path, path.parent).unlink()
        except ClipError:
            return faults
        except SeedBenchError as error:
            faults += sentence_faults(str(error), names=path)
    return faults


def _picture_faults(clip: Clip) -> list[str]:
    facts, faults = clip.facts, []
    sizes = {picture.shape for picture in clip.pictures()}
    if sizes != {(clip.size[1], clip.size[0], 3)}:
        faults.append(f"pictures of {sizes}, for {clip.size}")
    times, timing = clip.time_s, clip.timing
    if not len(times) or times[0] != 0 or not np.isfinite(times).all() or (np.diff(times) < 0).any() or clip.end_s < times[-1]:
        faults.append(f"times of pictures: {times[:5]} ... {times[-2:]}, end {clip.end_s}")
    if not np.isfinite([facts.fps, facts.duration_s, timing.fps]).all() or facts.fps < 0 or facts.duration_s < 0:
        faults.append(f"{facts.fps} pictures a second, {facts.duration_s} s")
    if (np.diff(timing.new_time_s) < 0).any() or not np.isfinite(timing.new_time_s).all():
        faults.append(f"times of new pictures: {timing.new_time_s[:5]}")
    return faults


def sentence_faults(sentence: str, *, names: Path | None = None) -> list[str]:
    """What keeps a text from being a short sentence that a reader can act on; with ``names``, it must name that file."""
    faults = []
    if "\n" in sentence or "Traceback" in sentence:
        faults.append(f"more than a line: {sentence!r}")
    if len(sentence.replace(str(names), "")) > LONGEST_SENTENCE:
        faults.append(f"{len(sentence)} characters: {sentence[:200]!r}")
    if names is not None and names.name not in sentence:
        faults.append(f"does not name the file: {sentence!r}")
    return faults


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def outcome_of(path: Path, reader: Reader) -> dict[str, Any]:
    """Read a file and report: ``answer`` is ``clip``, ``refused`` or ``failed``; ``faults`` what is wrong; ``memory_mb`` the growth."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is held now
    before = _peak_mb()
    try:
        report: dict[str, Any] = {"answer": "clip", "faults": reader(path)}
    except ClipError as error:
        report = {"answer": "refused", "faults": sentence_faults(str(error), names=path), "sentence": str(error)}
    except BaseException:  # noqa: BLE001  the point of it: nothing else may come out
        report = {"answer": "failed", "faults": [traceback.format_exc()[-1500:]]}
    return {**report, "memory_mb": round(_peak_mb() - before)}


def main() -> None:
    """Read the mutations with the seeds FIRST, FIRST + STEP, ... below END."""
    folder, (module, name), (first, step, end) = Path(sys.argv[1]), sys.argv[2].split(":"), map(int, sys.argv[3:6])
    reader = getattr(import_module(module), name)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # protects the machine; what is measured is resident memory
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sources = [(path.suffix[1:], path.read_bytes()) for path in sorted((folder / "sources").iterdir()) if path.is_file()]
    for seed in range(first, end, step):
        container, data = sources[seed % len(sources)]
        path = folder / f"mutation-{seed}.{container}"
        print(f"begin {seed}", flush=True)
        path.write_bytes(mutate(data, container, seed))
        report = outcome_of(path, reader)
        print(json.dumps({"seed": seed, **report}), flush=True)
        if not report["faults"] and report["memory_mb"] < 1000:
            path.unlink()


if __name__ == "__main__":
    main()
