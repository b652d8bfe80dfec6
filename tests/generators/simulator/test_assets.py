"""The reference assets of the shipped suites can be drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.generators.simulator import assets
from seedbench.generators.simulator.stage_block import block_of
from seedbench.suites.loading import load_suite


def test_a_watercolour_is_the_same_every_time_and_mostly_paper() -> None:
    first, again = assets.watercolour(64, 5), assets.watercolour(64, 5)
    assert first.shape == (64, 64, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, assets.watercolour(64, 6))
    assert first.mean() > 150


def test_portraits_show_the_looks_the_suites_declare() -> None:
    core = load_suite("core")
    anna = block_of(core.prompt("talk-en")).cast["anna"]
    assert assets.portraits()["anna.png"] == anna.look


def test_the_talking_clip_says_what_the_prompts_that_edit_it_say() -> None:
    talk = assets.films()["talk.mp4"]
    edits = [prompt for prompt in load_suite("core").prompts if prompt.task == "edit"]
    assert {line.text for prompt in edits for line in prompt.speech} == {line.text for line in talk.speech}
    assert {line.start_s for prompt in edits for line in prompt.speech} == {line.start_s for line in talk.speech}
    assert {prompt.duration_s for prompt in edits} == {talk.duration_s}


def test_a_file_that_is_no_asset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not known how to draw it"):
        assets.draw_one(tmp_path / "surprise.png", tmp_path)


@pytest.mark.slow
def test_the_stored_assets_are_those_the_simulator_draws(tmp_path: Path) -> None:
    import cv2

    core = load_suite("core")
    for name in ("anna.png", "watercolour.png", "street.png"):
        assets.draw_one(tmp_path / name, tmp_path)
        drawn, stored = cv2.imread(str(tmp_path / name)), cv2.imread(str(core.root / "assets" / name))
        assert np.abs(drawn.astype(int) - stored).mean() < 3
