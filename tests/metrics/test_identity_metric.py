"""The metric on small clips whose face analyses are put in place, so that no network is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.media import write_clip
from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.analyses.faces import FaceTracks
from seedbench.metrics.identity import CrossShotIdentity, calibrate
from seedbench.metrics.identity.calibrate import STRANGERS, bank
from seedbench.plugins import weights
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import Sample, Score
from seedbench.plugins.registry import load
from seedbench.suites.prompt import Character, Prompt, Shot
from tests.metrics.test_identity import P, Q, filmed

COLOURS = ((200, 40, 40), (40, 200, 40), (40, 40, 200))


def in_128(samples: FaceSamples) -> FaceSamples:
    """The samples with their vectors padded to the width of dlib's."""
    return replace(samples, embedding=np.pad(samples.embedding, ((0, 0), (0, 120))))


def clip_of(folder: Path, shots: list[list[np.ndarray]]) -> Clip:
    """A clip of one-second shots in plain colours, with the given faces put in as its face analyses."""
    pictures = [np.full((120, 240, 3), COLOURS[shot % 3], np.uint8) for shot in range(len(shots)) for _ in range(25)]
    path = folder / "clip.mp4"
    write_clip(path, pictures, 25)
    clip = Clip.open(path)
    count = np.repeat([len(faces) for faces in shots], 25).astype(np.int32)
    clip.memo["seedbench.metrics.analyses.faces.face_tracks"] = FaceTracks(len(pictures), 240, 120, [], count)
    clip.memo["seedbench.metrics.analyses.face_embeddings.face_embeddings"] = in_128(filmed(shots, backend="dlib-resnet128"))
    return clip


def prompt_of(casts: list[tuple[str, ...]]) -> Prompt:
    names = sorted({name for cast in casts for name in cast})
    shots = tuple(Shot(start_s=float(shot), end_s=float(shot + 1), cast=cast) for shot, cast in enumerate(casts))
    cast = tuple(Character(id=name) for name in names)
    return Prompt(id="x", text="x", task="multi_shot", duration_s=float(len(casts)), cast=cast, shots=shots)


def scored(clip: Clip, prompt: Prompt | None) -> dict[str, Score]:
    scores = CrossShotIdentity("dlib").score(clip, Sample(prompt=prompt))
    found = {score.measure: score for score in scores}
    assert list(found) == [measure.name for measure in CrossShotIdentity.info.measures]
    return found


def test_it_is_registered_as_identity() -> None:
    assert load("metrics", "identity") is CrossShotIdentity


def test_one_character_over_three_shots(tmp_path: Path) -> None:
    found = scored(clip_of(tmp_path, [[P], [P], [P]]), prompt_of([("ann",)] * 3))
    assert found["similarity"].value == pytest.approx(1.0)
    assert found["cut_recall"].value == found["cut_precision"].value == 1.0
    assert found["similarity"].backend == "dlib-resnet128"
    panels = [as_json(panel) for panel in found["similarity"].evidence]
    assert [panel["kind"] for panel in panels] == ["gallery", "curve", "facts"]
    assert [picture["group"] for picture in panels[0]["pictures"]] == [
        "shot 1 (0.00-1.00 s)",
        "shot 2 (1.00-2.00 s)",
        "shot 3 (2.00-3.00 s)",
    ]
    assert json.dumps(panels)
    assert json.dumps(dict(found["similarity"].details))


def test_a_stranger_after_the_cut_scores_zero_and_the_caption_says_so(tmp_path: Path) -> None:
    found = scored(clip_of(tmp_path, [[P], [Q]]), prompt_of([("ann",)] * 2))
    assert found["similarity"].value == 0.0
    gallery = as_json(found["similarity"].evidence[0])
    assert [picture["caption"] for picture in gallery["pictures"]] == [
        "ann, named here (cos 0.000 to the other shots)",
        "ann due, somebody else (cos 0.000 to the other shots)",
    ]


def test_a_prompt_without_a_cast_gets_no_answer(tmp_path: Path) -> None:
    prompt = Prompt(id="x", text="x", task="motion", duration_s=2)
    found = scored(clip_of(tmp_path, [[P], [P]]), prompt)
    assert {score.reason for score in found.values()} == {"the prompt declares no cast"}


def test_a_loose_clip_of_one_face_is_taken_as_one_person_and_says_so(tmp_path: Path) -> None:
    found = scored(clip_of(tmp_path, [[P], [P]]), None)
    assert found["similarity"].value == pytest.approx(1.0)
    assert found["similarity"].backend == "dlib-resnet128/one-person-assumed"
    assert found["presence"].value is None


@pytest.mark.parametrize(
    ("shots", "reason"),
    [([[P]], "no cast declared, and only one shot"), ([[P, Q], [P]], "no cast declared, and several faces in a shot")],
)
def test_other_loose_clips_get_no_answer(tmp_path: Path, shots: list[list[np.ndarray]], reason: str) -> None:
    found = scored(clip_of(tmp_path, shots), None)
    assert {score.reason for score in found.values()} == {reason}


def test_a_clip_without_faces_wins_nothing(tmp_path: Path) -> None:
    found = scored(clip_of(tmp_path, [[], []]), prompt_of([("ann",)] * 2))
    assert found["presence"].value == 0.0
    assert found["similarity"].reason == "no face is seen"
    assert found["similarity"].evidence == ()


def test_samples_survive_the_disk_cache() -> None:
    from seedbench.store import codec

    samples = filmed([[P], [Q]])
    back = codec.unpack(codec.pack(samples))
    assert isinstance(back, FaceSamples)
    assert (back.embedding == samples.embedding).all()
    assert back.dropped == samples.dropped


def test_the_bank_of_drawn_strangers_says_how_it_was_made() -> None:
    drawn = bank("dlib-resnet128")
    with np.load(Path(calibrate.__file__).with_name("bank.npz"), allow_pickle=False) as archive:
        made = json.loads(str(archive["provenance"]))
    assert drawn.shape == (int(made["people"]), 128)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(1.0, abs=2e-3)
    assert made["dlib-face"] == weights.find_entry("dlib-face").sha256
    cosine = drawn @ drawn.T
    assert STRANGERS["dlib-resnet128"] < cosine[~np.eye(len(drawn), dtype=bool)].mean() < 0.94
