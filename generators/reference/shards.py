"""Shards: the training prompts, rendered once, as parquet files with JPEG pictures and log mel bands.

A row is a sampled prompt (:mod:`prompt_sampler`) with its pictures, the pictures of its extras, its sound, and the lengths of its
phonemes. It depends only on its number and the seed.
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
from seedbench.generators.reference import sound
from seedbench.generators.reference.prompt_sampler import SampledPrompt, sample_prompt
from seedbench.generators.reference.script import FPS, stretches
from seedbench.runs.executor import LocalExecutor
from seedbench.suites.earlier_form import read_prompt
from seedbench.suites.prompt import Prompt

if TYPE_CHECKING:
    from seedbench.generators.simulator.plan import ScenePlan

ROWS_PER_FILE = 100
JPEG_QUALITY = 94
#: Increased whenever the same number gives another prompt or other pictures.
VERSION = 4
#: The acting of the face that is stored for every picture: its name in the simulator, its mean and its spread over all prompts.
ACTING = {"lips_open": (0.15, 0.22), "lips_width": (0.5, 0.13), "blink": (0.05, 0.2), "yaw": (0.0, 0.045)}


@dataclass(frozen=True)
class ShardSize:
    """The size of the pictures in pixels."""

    width: int = 224
    height: int = 128


@dataclass(frozen=True)
class ShardJob:
    """One file to render.

    Attributes:
        folder: The folder of the file.
        first: The first row.
        last: The row after the last.
        seed: The seed of the prompts.
        stills: Whether the rows are stills instead of clips.
        size: The size of the pictures.
    """

    folder: Path
    first: int
    last: int
    seed: int
    stills: bool
    size: ShardSize

    @property
    def file(self) -> Path:
        """The file. Its name holds everything that decides its content."""
        kind = "stills" if self.stills else "clips"
        return self.folder / f"{kind}-{self.seed}-{self.first:06d}-{self.last:06d}-{self.size.width}x{self.size.height}-v{VERSION}.parquet"


def shard_jobs(folder: Path, *, clips: int, stills: int, seed: int = 0, size: ShardSize | None = None) -> list[ShardJob]:
    """The jobs for a number of clips and stills.

    Args:
        folder: The folder of the files.
        clips: The number of clips.
        stills: The number of stills.
        seed: The seed of the prompts.
        size: The size of the pictures; None for the default one.

    Returns:
        One job for each file, clips first.
    """
    result = []
    for count, still in ((clips, False), (stills, True)):
        per_file = ROWS_PER_FILE * (8 if still else 1)
        result += [
            ShardJob(folder, index * per_file, min(count, (index + 1) * per_file), seed, still, size or ShardSize())
            for index in range(math.ceil(count / per_file))
        ]
    return result


def missing_jobs(wanted: Iterable[ShardJob]) -> list[ShardJob]:
    """The jobs whose files are missing."""
    return [job for job in wanted if not job.file.exists()]


def render_shards(wanted: Iterable[ShardJob], *, processes: int) -> Iterable[ShardJob]:
    """Render the files that are missing. Each file is written atomically.

    Args:
        wanted: the jobs.
        processes: how many processes render.

    Yields:
        Each job when its file is there.

    Raises:
        GeneratorError: a file could not be rendered.
    """
    todo = missing_jobs(wanted)
    for job in todo:
        job.folder.mkdir(parents=True, exist_ok=True)
    if processes <= 1:
        for job in todo:
            yield _render_file(job)
        return
    pool = LocalExecutor(processes)
    try:
        for job in todo:
            pool.submit(_render_file, job)
        for done in pool.results():
            if done.error is not None:
                raise GeneratorError(
                    f"{done.task.file.name} was not made ({done.error!r}): the same command goes on from there"
                ) from done.error
            yield done.result
    finally:
        pool.close()


def _render_file(job: ShardJob) -> ShardJob:
    import cv2
    import pyarrow as pa
    import pyarrow.parquet as pq

    cv2.setNumThreads(1)
    rows = []
    for number in range(job.first, job.last):
        sampled = sample_prompt(number, seed=job.seed + (7919 if job.stills else 0), kind="still" if job.stills else None)
        rows.append(_row(sampled, number, job.size))
    with atomic_write(job.file) as partial_file:
        pq.write_table(pa.Table.from_pylist(rows), partial_file, compression="zstd")
    return job


def _row(sampled: SampledPrompt, seed: int, size: ShardSize) -> dict[str, Any]:
    rendered = render_prompt(sampled.prompt, seed, size)
    extras = render_prompt(sampled.extras, seed, size).pictures if sampled.extras is not None else []
    return {
        "prompt": sampled.prompt.model_dump_json(exclude_defaults=True),
        "pictures": [_jpeg(picture) for picture in rendered.pictures],
        "extras": [_jpeg(picture) for picture in extras],
        "bands": np.round(rendered.bands * 1000).astype(np.int16).tobytes(),
        "lasting": json.dumps(rendered.lasting, ensure_ascii=False),
        "acting": rendered.acting.astype(np.float16).tobytes(),
        "heads": rendered.heads.astype(np.float16).tobytes(),
    }


@dataclass(frozen=True)
class Rendered:
    """A prompt rendered by the simulator.

    Attributes:
        pictures: (H, W, 3) uint8, T of them.
        bands: log mel bands (4 T, 80).
        lasting: each phoneme with its length in seconds.
        acting: of the visible person's face (T, 4), see :data:`ACTING`.
        heads: where the visible person's head is (T, 3), see :func:`heads_of`.
    """

    pictures: list[np.ndarray]
    bands: np.ndarray
    lasting: list[tuple[str, float]]
    acting: np.ndarray
    heads: np.ndarray


def render_prompt(prompt: Prompt, seed: int, size: ShardSize) -> Rendered:
    """Render a prompt with everything that the training learns from.

    Args:
        prompt: The prompt.
        seed: The seed of the scene.
        size: The size of the pictures.

    Returns:
        Pictures, sound and what is known about them.
    """
    from seedbench.generators.simulator.degradations import degradation_of
    from seedbench.generators.simulator.plan import plan_scene
    from seedbench.generators.simulator.rendering import frames
    from seedbench.generators.simulator.soundtrack import RATE, record

    scene = plan_scene(prompt, seed, width=size.width, height=size.height, fps=FPS, degradation=degradation_of(""))
    pictures = list(frames(scene))
    bands = np.zeros((0, sound.BANDS), np.float32)
    if prompt.speech or prompt.events:
        bands = sound.fitted(sound.log_mel(record(scene).samples, RATE), sound.COLUMNS_PER_FRAME * len(pictures))
    lasting = [(phoneme.ipa, round(phoneme.end_s - phoneme.start_s, 4)) for line in scene.lines for phoneme in line.speech.phonemes]
    return Rendered(pictures, bands, lasting, acting_of(prompt, scene, len(pictures)), heads_of(prompt, scene, len(pictures)))


def acting_of(prompt: Prompt, scene: ScenePlan, n: int) -> np.ndarray:
    """The :data:`ACTING` of the visible person, minus its mean in units of its spread.

    Args:
        prompt: The prompt.
        scene: The plan of its scene.
        n: The number of pictures.

    Returns:
        (n, 4) float32; NaN where nobody is.
    """
    values = np.full((n, len(ACTING)), np.nan, np.float32)
    for shot in stretches(prompt, n):
        if shot.person >= 0:
            acting = scene.acting[prompt.cast[shot.person].id]
            for column, (name, (middle, spread)) in enumerate(ACTING.items()):
                values[shot.first : shot.last, column] = (getattr(acting, name)[shot.first : shot.last] - middle) / spread
    return values


def heads_of(prompt: Prompt, scene: ScenePlan, n: int) -> np.ndarray:
    """Where the visible person's head is.

    Args:
        prompt: The prompt.
        scene: The plan of its scene.
        n: The number of pictures.

    Returns:
        (n, 3) middle (x, y) and height of the head, in heights of the picture; NaN where nobody is.
    """
    from seedbench.generators.simulator.rendering import head_centre

    values = np.full((n, 3), np.nan, np.float32)
    for shot, plan in zip(stretches(prompt, n), scene.shots, strict=True):
        if shot.person >= 0:
            name = prompt.cast[shot.person].id
            values[shot.first : shot.last] = [head_centre(scene, plan, name, frame) for frame in range(shot.first, shot.last)]
    return values / scene.height


def _jpeg(picture: np.ndarray) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])


@dataclass(frozen=True)
class Row:
    """A row of a shard file: one sampled prompt with what was rendered of it.

    Attributes:
        prompt: The prompt.
        pictures: The pictures of the clip, encoded.
        extras: Pictures of other shots of its people, encoded.
        bands: (T, 80) log mel bands; (0, 80) without sound.
        lasting: The sounds that were spoken, with their lengths in seconds.
        acting: (n, 4) the acting of the visible person (:func:`acting_of`).
        heads: (n, 3) where the head is (:func:`heads_of`).
    """

    prompt: Prompt
    pictures: list[bytes]
    extras: list[bytes]
    bands: np.ndarray
    lasting: list[tuple[str, float]]
    acting: np.ndarray
    heads: np.ndarray


def row_of(stored: Mapping[str, Any]) -> Row:
    """A row from its stored columns.

    Args:
        stored: The columns by name.

    Returns:
        The row; its pictures are still encoded.
    """
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


def read_rows(file: Path) -> list[Row]:
    """The rows of a shard file.

    Args:
        file: The parquet file.

    Returns:
        The rows in their order.
    """
    import pyarrow.parquet as pq

    return [row_of(row) for row in pq.read_table(file).to_pylist()]


def decode_picture(data: bytes) -> np.ndarray:
    """A stored picture.

    Args:
        data: The encoded picture.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        GeneratorError: The picture cannot be read.
    """
    import cv2

    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if stored is None:
        raise GeneratorError("a stored picture cannot be read: delete the shards and make them anew")
    return np.ascontiguousarray(stored[..., ::-1])
