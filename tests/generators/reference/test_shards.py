"""Shards hold what the simulator rendered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.errors import GeneratorError
from seedbench.generators.reference import prompt_sampler, shards
from seedbench.generators.reference.shards import ACTING, ShardSize
from seedbench.generators.reference.training.cells import Cells, RowCells, acting_of_pictures
from seedbench.generators.simulator.degradations import degradation_of
from seedbench.generators.simulator.plan import plan_scene
from seedbench.generators.simulator.soundtrack import record
from seedbench.generators.simulator.truth import ground_truth

SMALL = ShardSize(64, 32)


def test_acting_is_that_of_the_visible_person_in_units_of_its_spread() -> None:
    prompt = prompt_sampler.sample_prompt(5, kind="dialogue").prompt
    rendered = shards.render_prompt(prompt, 5, SMALL)
    pictures, acting = rendered.pictures, rendered.acting
    scene = plan_scene(prompt, 5, width=64, height=32, fps=25, degradation=degradation_of(""))
    assert acting.shape == (len(pictures), 4)
    cut = round(prompt.shots[1].start_s * 25)
    for frames, shot in ((slice(0, cut), prompt.shots[0]), (slice(cut, len(pictures)), prompt.shots[1])):
        theirs = scene.acting[shot.cast[0]]
        for column, (name, (middle, spread)) in enumerate(ACTING.items()):
            assert acting[frames, column] * spread + middle == pytest.approx(getattr(theirs, name)[frames], abs=1e-5)


def test_where_nobody_is_seen_there_is_no_acting_and_no_head() -> None:
    rendered = shards.render_prompt(prompt_sampler.sample_prompt(3, kind="impact").prompt, 3, SMALL)
    assert len(rendered.acting) == len(rendered.heads) == len(rendered.pictures)
    assert np.isnan(rendered.acting).all()
    assert np.isnan(rendered.heads).all()


def test_heads_are_where_the_simulator_puts_them() -> None:
    prompt = prompt_sampler.sample_prompt(5, kind="dialogue").prompt
    rendered = shards.render_prompt(prompt, 5, SMALL)
    scene = plan_scene(prompt, 5, width=64, height=32, fps=25, degradation=degradation_of(""))
    boxes = ground_truth(scene, record(scene))["faces"]
    assert [box["character"] for box in boxes] == [shot.cast[0] for shot in prompt.shots]
    left, top, right, bottom = np.concatenate([np.array(box["boxes"]) for box in boxes]).T
    wide = SMALL.width / SMALL.height
    assert rendered.heads[:, 0] == pytest.approx(wide * (left + right) / 2, abs=0.01)
    assert rendered.heads[:, 1] == pytest.approx((top + bottom) / 2, abs=0.01)
    assert rendered.heads[:, 2] == pytest.approx(bottom - top, abs=0.01)


def test_acting_is_read_back_with_its_pictures(tmp_path: Path) -> None:
    import torch

    (job,) = shards.shard_jobs(tmp_path, clips=2, stills=0, size=SMALL)
    list(shards.render_shards([job], processes=1))
    rows = shards.read_rows(job.file)
    for number, row in enumerate(rows):
        assert len(row.acting) == len(row.pictures)
        heads = shards.render_prompt(row.prompt, number, SMALL).heads
        assert row.heads == pytest.approx(heads, abs=1e-3, nan_ok=True)
    row_cells, first = [], 0
    for row in rows:
        row_cells.append(RowCells(first, len(row.pictures), len(row.extras), len(row.prompt.cast), ()))
        first += len(row.pictures) + len(row.extras)
    acting = acting_of_pictures([job.file], Cells(torch.zeros(first, 1), tuple(row_cells)))
    for row, cells in zip(rows, row_cells, strict=True):
        assert np.array_equal(acting[cells.first : cells.first + cells.pictures].numpy(), row.acting, equal_nan=True)
        assert acting[cells.first + cells.pictures : cells.first + cells.pictures + cells.extras].isnan().all()


def test_two_processes_make_the_same_files_as_one_and_a_failure_is_named(tmp_path: Path) -> None:
    alone, beside = (shards.shard_jobs(tmp_path / name, clips=1, stills=2, size=SMALL) for name in ("alone", "beside"))
    assert [job.stills for job in shards.render_shards(alone, processes=1)] == [False, True]
    assert sorted(job.stills for job in shards.render_shards(beside, processes=2)) == [False, True]
    for single, other in zip(alone, beside, strict=True):
        assert [row.pictures for row in shards.read_rows(single.file)] == [row.pictures for row in shards.read_rows(other.file)]
    (broken,) = shards.shard_jobs(tmp_path / "broken", clips=1, stills=0, size=ShardSize(0, 0))
    with pytest.raises(GeneratorError, match=r"clips-0-000000-000001-0x0-v\d+\.parquet was not made"):
        list(shards.render_shards([broken], processes=2))
