"""The training world, rendered once: parquet files of clips as JPEG pictures and log mel bands, made by as many processes as one likes.

A row is a drawn prompt (:mod:`world`) with its pictures, the pictures of its extras, its sound, and how long its sounds last. What a
row holds depends on its number and the world's seed alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbench.errors import GeneratorError
from seedbench.files.atomic import atomic_write
from seedbench.generators.reference import sound, world
from seedbench.generators.reference.script import FPS, stretches
from seedbench.runs.executor import LocalExecutor
from seedbench.suites.earlier_form import read_prompt
from seedbench.suites.prompt import Prompt

if TYPE_CHECKING:
    from seedbench.generators.simulator.plan import ScenePlan

ROWS_PER_FILE = 100
JPEG_QUALITY = 94
#: Raised whenever the same number draws another prompt or is shown otherwise.
VERSION = 4
#: What of a person's acting is kept for every picture: the simulator's name for it, its middle and its spread over the world.
ACTING = {"lips_open": (0.15, 0.22), "lips_width": (0.5, 0.13), "blink": (0.05, 0.2), "yaw": (0.0, 0.045)}


@dataclass(frozen=True)
class ShardSize:
    """How large the pictures are, in pixels."""

    width: int = 224
    height: int = 128


@dataclass(frozen=True)
class Job:
    """One file to be made: rows ``first`` to before ``last`` of a world, stills or clips."""

    folder: Path
    first: int
    last: int
    seed: int
    stills: bool
    size: ShardSize

    @property
    def file(self) -> Path:
        """Where it goes."""
        kind = "stills" if self.stills else "clips"
        return self.folder / f"{kind}-{self.seed}-{self.first:06d}-{self.last:06d}-{self.size.width}x{self.size.height}-v{VERSION}.parquet"


def jobs(folder: Path, *, clips: int, stills: int, seed: int = 0, size: ShardSize | None = None) -> list[Job]:
    """The files that hold so many clips and stills."""
    made = []
    for count, still in ((clips, False), (stills, True)):
        per_file = ROWS_PER_FILE * (8 if still else 1)
        made += [
            Job(folder, place * per_file, min(count, (place + 1) * per_file), seed, still, size or ShardSize())
            for place in range(math.ceil(count / per_file))
        ]
    return made


def missing(wanted: Iterable[Job]) -> list[Job]:
    """The jobs whose file is not there yet."""
    return [job for job in wanted if not job.file.exists()]


def make(wanted: Iterable[Job], *, processes: int) -> Iterable[Job]:
    """Make what is missing; yields each job as it is done. A file appears whole or not at all."""
    todo = missing(wanted)
    for job in todo:
        job.folder.mkdir(parents=True, exist_ok=True)
    if processes <= 1:
        for job in todo:
            yield _make_one(job)
        return
    pool = LocalExecutor(processes)
    try:
        for job in todo:
            pool.submit(_make_one, job)
        for done in pool.results():
            if done.error is not None:
                raise GeneratorError(
                    f"{done.task.file.name} was not made ({done.error!r}): the same command goes on from there"
                ) from done.error
            yield done.result
    finally:
        pool.close()


def _make_one(job: Job) -> Job:
    import cv2
    import pyarrow as pa
    import pyarrow.parquet as pq

    cv2.setNumThreads(1)
    rows = []
    for number in range(job.first, job.last):
        drawn = world.draw(number, seed=job.seed + (7919 if job.stills else 0), kind="still" if job.stills else None)
        rows.append(_row(drawn, number, job.size))
    with atomic_write(job.file) as place:
        pq.write_table(pa.Table.from_pylist(rows), place, compression="zstd")
    return job


def _row(drawn: world.Drawn, seed: int, size: ShardSize) -> dict[str, Any]:
    made = shown(drawn.prompt, seed, size)
    extras = shown(drawn.extras, seed, size).pictures if drawn.extras is not None else []
    return {
        "prompt": drawn.prompt.model_dump_json(exclude_defaults=True),
        "pictures": [_jpeg(picture) for picture in made.pictures],
        "extras": [_jpeg(picture) for picture in extras],
        "bands": np.round(made.bands * 1000).astype(np.int16).tobytes(),
        "lasting": json.dumps(made.lasting, ensure_ascii=False),
        "acting": made.acting.astype(np.float16).tobytes(),
        "heads": made.heads.astype(np.float16).tobytes(),
    }


@dataclass(frozen=True)
class Rendered:
    """A prompt as the simulator shows it: ``pictures`` (H, W, 3) uint8, log mel ``bands`` (4 T, 80), each spoken sound with its length in
    seconds (``lasting``), and of who is seen the ``acting`` (T, 4) and where the head is (``heads``, T, 3): see :func:`heads_of`."""

    pictures: list[np.ndarray]
    bands: np.ndarray
    lasting: list[tuple[str, float]]
    acting: np.ndarray
    heads: np.ndarray


def shown(prompt: Prompt, seed: int, size: ShardSize) -> Rendered:
    """A prompt rendered with all that training is told of it."""
    from seedbench.generators.simulator.degradations import degradation_of
    from seedbench.generators.simulator.plan import plan_scene
    from seedbench.generators.simulator.rendering import frames
    from seedbench.generators.simulator.soundtrack import RATE, record

    scene = plan_scene(prompt, seed, width=size.width, height=size.height, fps=FPS, degradation=degradation_of(""))
    pictures = list(frames(scene))
    bands = np.zeros((0, sound.BANDS), np.float32)
    if prompt.speech or prompt.events:
        bands = sound.fitted(sound.log_mel(record(scene).samples, RATE), sound.COLUMNS_PER_FRAME * len(pictures))
    lasting = [(item.ipa, round(item.end_s - item.start_s, 4)) for line in scene.lines for item in line.speech.phonemes]
    return Rendered(pictures, bands, lasting, acting_of(prompt, scene, len(pictures)), heads_of(prompt, scene, len(pictures)))


def acting_of(prompt: Prompt, scene: ScenePlan, n: int) -> np.ndarray:
    """:data:`ACTING` of who is seen in each of ``n`` pictures, about their middle in units of their spread, (n, 4); NaN where nobody is."""
    found = np.full((n, len(ACTING)), np.nan, np.float32)
    for shot in stretches(prompt, n):
        if shot.person >= 0:
            acting = scene.acting[prompt.cast[shot.person].id]
            for column, (name, (middle, spread)) in enumerate(ACTING.items()):
                found[shot.first : shot.last, column] = (getattr(acting, name)[shot.first : shot.last] - middle) / spread
    return found


def heads_of(prompt: Prompt, scene: ScenePlan, n: int) -> np.ndarray:
    """Middle (x, y) and height of the head of who is seen in ``n`` pictures, (n, 3) in heights of the picture; NaN where nobody is."""
    from seedbench.generators.simulator.rendering import head_centre

    found = np.full((n, 3), np.nan, np.float32)
    for shot, plan in zip(stretches(prompt, n), scene.shots, strict=True):
        if shot.person >= 0:
            name = prompt.cast[shot.person].id
            found[shot.first : shot.last] = [head_centre(scene, plan, name, frame) for frame in range(shot.first, shot.last)]
    return found / scene.height


def _jpeg(picture: np.ndarray) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


@dataclass(frozen=True)
class Row:
    """One drawn prompt as read back."""

    prompt: Prompt
    pictures: list[bytes]
    extras: list[bytes]
    bands: np.ndarray
    lasting: list[tuple[str, float]]
    acting: np.ndarray
    heads: np.ndarray


def row_of(stored: Mapping[str, Any]) -> Row:
    """A row as it lies in a file."""
    return Row(
        read_prompt(json.loads(stored["prompt"])),
        stored["pictures"],
        stored["extras"],
        bands_of(stored["bands"]),
        [(symbol, length) for symbol, length in json.loads(stored["lasting"])],
        np.frombuffer(stored["acting"], np.float16).reshape(-1, len(ACTING)).astype(np.float32),
        np.frombuffer(stored["heads"], np.float16).reshape(-1, 3).astype(np.float32),
    )


def bands_of(stored: bytes) -> np.ndarray:
    """Stored log mel bands as (T, 80) float32."""
    return np.frombuffer(stored, np.int16).reshape(-1, sound.BANDS).astype(np.float32) / 1000


def read(file: Path) -> list[Row]:
    """The rows of a file."""
    import pyarrow.parquet as pq

    return [row_of(row) for row in pq.read_table(file).to_pylist()]


def picture(data: bytes) -> np.ndarray:
    """A stored picture, (H, W, 3) uint8 RGB."""
    import cv2

    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if stored is None:
        raise GeneratorError("a stored picture cannot be read: delete the shards and make them anew")
    return np.ascontiguousarray(stored[..., ::-1])
