"""A user runs the shipped reference model and its twin: clips with pictures and sound, faces that are found, refusals by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.generators.reference import Reference
from seedbench.generators.reference.model import SHIPPED, ReferenceModel
from seedbench.plugins import registry
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.metric import Sample
from seedbench.suites.loading import load_suite

QUICK = load_suite("quick")


def asked(names: Sequence[str]) -> list[Request]:
    return [Request(prompt=QUICK.prompt(name), seed=3, root=QUICK.root) for name in names]


def rendered(twin: str, names: Sequence[str], folder: Path) -> dict[str, Generation]:
    folders = [folder / name for name in names]
    for directory in folders:
        directory.mkdir(parents=True)
    return dict(zip(names, Reference(twin=twin).generate_many(asked(names), folders), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_clips_of_the_shipped_weights_have_detected_faces_and_sound(twin: str, tmp_path: Path) -> None:
    generations = rendered(twin, ["talk-en", "shots-de", "reference-cmn", "drop-wood", "sign"], tmp_path)
    assert generations["sign"].status == "refused"
    assert "'beep'" in generations["sign"].reason
    metric = registry.load("metrics", "identity")()
    for name in ("talk-en", "shots-de", "reference-cmn"):
        file = generations[name].file
        assert file is not None, generations[name].reason
        clip, prompt = Clip.open(file), QUICK.prompt(name)
        assert clip.facts.width == 456
        assert clip.end_s == pytest.approx(prompt.duration_s, abs=0.09)
        assert np.abs(clip.audio(16000).samples).max() > 0.02
        scores = {score.measure: score.value for score in metric.score(clip, Sample(prompt=prompt, generator=twin, seed=3))}
        assert (scores["face_frames"] or 0) > 0.8, f"{name}: a face in {scores['face_frames']} of the frames"
    drop = generations["drop-wood"].file
    assert drop is not None
    assert np.abs(Clip.open(drop).video.rgb.astype(int).std(0)).max() > 5, "nothing moves"


def test_the_twins_have_the_same_size_and_say_how_they_were_trained() -> None:
    twins = [ReferenceModel.load(twin) for twin in ("joint", "cascaded")]
    sizes = [sum(parameter.numel() for parameter in twin.transformer.parameters()) for twin in twins]
    assert sizes[0] == sizes[1]
    for key in ("config", "steps", "clips", "stills"):
        assert twins[0].trained[key] == twins[1].trained[key]


def test_what_is_shipped_is_small() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.glob("*.safetensors")) <= 20_000_000
