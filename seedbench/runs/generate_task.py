"""What a worker does for a cell: make its clip, alone or in a batch. Plain functions of plain tasks; none writes to the database."""

from __future__ import annotations

import json
import shutil
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seedbench.errors import ClipError, GenerationRefusedError, GeneratorError, StorageError
from seedbench.files.hashing import file_sha256
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import make_generator
from seedbench.plugins.output_checks import generation_problem
from seedbench.runs.reasons import without_path
from seedbench.store.artifacts import Artifacts


@dataclass(frozen=True, kw_only=True)
class GenerateTask:
    """Make the clip of one cell. ``scratch`` is room for it; the finished file goes to the artifact store."""

    cell_id: int
    generator: GeneratorSpec
    request: Request
    scratch: Path
    artifacts: Artifacts


@dataclass(frozen=True, kw_only=True)
class GenerateBatch:
    """Make the clips of several cells of one generator in one call."""

    cells: tuple[GenerateTask, ...]


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What came of a :class:`GenerateTask`. ``path`` is set only for files of the user's."""

    status: str
    reason: str = ""
    sha256: str | None = None
    suffix: str = ""
    path: str | None = None
    truth_sha256: str | None = None
    seed_used: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def generate(task: GenerateTask) -> Generated:
    """Make one clip. An outage or a refusal is a result; a full disk is a StorageError."""
    with _scratch_folder(task) as directory:
        return _generate_in(directory, task)


def generate_many(batch: GenerateBatch) -> list[Generated]:
    """Make the clips of a batch, in its order; each says in ``facts`` how many were made together.

    Latency, where the generator states none, is the wall time of the call divided by the number of requests. Raises GeneratorError where
    the call as a whole gives no answer, since nobody knows which request was to blame; StorageError as :func:`generate`.
    """
    count = len(batch.cells)
    with ExitStack() as rooms:
        directories = [rooms.enter_context(_scratch_folder(task)) for task in batch.cells]
        start = time.perf_counter()
        try:
            generations = make_generator(batch.cells[0].generator).generate_many([task.request for task in batch.cells], directories)
        except StorageError:
            raise
        except Exception as error:
            raise GeneratorError(f"{type(error).__name__}: {error}") from error
        share_s = (time.perf_counter() - start) / count
        if len(generations) != count:
            raise GeneratorError(f"the generator answered {count} requests with {len(generations)} results")
        stored = [_store_clip(task, generation, share_s) for task, generation in zip(batch.cells, generations, strict=True)]
    return [replace(generated, facts={**generated.facts, "batch": count}) for generated in stored]


@contextmanager
def _scratch_folder(task: GenerateTask) -> Iterator[Path]:
    """An empty folder of this attempt's own, gone afterwards."""
    directory = task.scratch / f"cell-{task.cell_id}-{uuid.uuid4().hex[:8]}"
    try:
        directory.mkdir(parents=True)
        yield directory
    except OSError as error:
        raise StorageError(f"{directory} cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _generate_in(directory: Path, task: GenerateTask) -> Generated:
    start = time.perf_counter()
    try:
        generation: Generation = make_generator(task.generator).generate(task.request, directory)
    except GenerationRefusedError as error:
        return Generated(status="refused", reason=str(error))
    except (GeneratorError, ClipError) as error:
        return Generated(status="failed", reason=str(error))
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - the generator of another package may raise anything; that fails this cell, not the run
        return Generated(status="failed", reason=f"{type(error).__name__}: {error}", facts={"traceback": traceback.format_exc()})
    return _store_clip(task, generation, time.perf_counter() - start)


def _store_clip(task: GenerateTask, generation: Generation, wall_s: float) -> Generated:
    """Put what a generator made where it stays. ``wall_s`` is the latency of a clip whose generator states none."""
    if problem := generation_problem(generation):
        return Generated(status="failed", reason=problem)
    if generation.status != "succeeded" or generation.file is None:
        return Generated(
            status=generation.status,
            reason=generation.reason or "the generator gave no file",
            cost_usd=generation.cost_usd,
            latency_s=generation.latency_s,
        )
    truth = json.dumps(generation.truth, sort_keys=True).encode() if generation.truth is not None else None
    latency = generation.latency_s if generation.latency_s is not None or not generation.own_file else wall_s
    try:
        sha256 = task.artifacts.put(generation.file, move=True) if generation.own_file else file_sha256(generation.file)
    except ClipError as error:
        return Generated(
            status="failed",
            reason=f"the clip that was made cannot be taken: {generation.file.name} {without_path(error, generation.file)}",
        )
    return Generated(
        status="succeeded",
        sha256=sha256,
        suffix=generation.file.suffix,
        path=None if generation.own_file else str(generation.file.resolve()),
        truth_sha256=task.artifacts.put_bytes(truth, ".json") if truth is not None else None,
        seed_used=generation.seed_used,
        latency_s=latency,
        cost_usd=generation.cost_usd,
        facts=dict(generation.facts),
    )
