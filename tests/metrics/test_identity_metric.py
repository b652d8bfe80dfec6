"""The metric on small clips whose face analyses are put in place, so that no network is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.analyses.faces import FaceTracks
from seedbench.metrics.identity import CrossShotIdentity, calibrate
from seedbench.metrics.identity.calibrate import FACE_SCALES, drawn_face_bank, face_scale
from seedbench.plugins import weights
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import Sample, Score, applies
from seedbench.plugins.registry import load
from seedbench.suites.prompt import Character, Event, Prompt, Shot
from tests.metrics.test_identity import P, Q, samples_of

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
    clip.memo["seedbench.metrics.analyses.face_embeddings.face_embeddings"] = in_128(samples_of(shots, backend="dlib-resnet128"))
    return clip


def prompt_of(casts: list[tuple[str, ...]]) -> Prompt:
    names = sorted({name for cast in casts for name in cast})
    shots = tuple(Shot(start_s=float(shot), end_s=float(shot + 1), cast=cast) for shot, cast in enumerate(casts))
    cast = tuple(Character(id=name) for name in names)
    return Prompt(id="x", text="x", task="multi_shot", duration_s=float(len(casts)), cast=cast, shots=shots)


def scored(clip: Clip, prompt: Prompt | None) -> dict[str, Score]:
    scores = {score.measure: score for score in CrossShotIdentity("dlib").score(clip, Sample(prompt=prompt))}
    assert list(scores) == [measure.name for measure in CrossShotIdentity.info.measures]
    return scores


def test_it_is_registered_as_identity() -> None:
    assert load("metrics", "identity") is CrossShotIdentity


def test_one_character_over_three_shots(tmp_path: Path) -> None:
    scores = scored(clip_of(tmp_path, [[P], [P], [P]]), prompt_of([("ann",)] * 3))
    assert scores["similarity"].value == pytest.approx(1.0)
    assert scores["cut_recall"].value == scores["cut_precision"].value == 1.0
    assert scores["similarity"].backend == "dlib-resnet128"
    panels = [as_json(panel) for panel in scores["similarity"].evidence]
    assert [panel["kind"] for panel in panels] == ["gallery", "curve", "facts"]
    assert [picture["group"] for picture in panels[0]["pictures"]] == [
        "shot 1 (0.00-1.00 s)",
        "shot 2 (1.00-2.00 s)",
        "shot 3 (2.00-3.00 s)",
    ]
    assert json.dumps(panels)
    assert json.dumps(dict(scores["similarity"].details))


def test_another_person_after_the_cut_scores_zero_and_the_caption_says_so(tmp_path: Path) -> None:
    scores = scored(clip_of(tmp_path, [[P], [Q]]), prompt_of([("ann",)] * 2))
    assert scores["similarity"].value == 0.0
    gallery = as_json(scores["similarity"].evidence[0])
    assert [picture["caption"] for picture in gallery["pictures"]] == [
        "ann, first face of the gallery (cos 0.000 to the other shots)",
        "ann expected, another face (cos 0.000 to the other shots)",
    ]


@pytest.mark.parametrize("prompt", [None, Prompt(id="x", text="x", task="motion", duration_s=2)])
def test_without_a_cast_people_are_found_by_likeness_and_the_backend_says_so(tmp_path: Path, prompt: Prompt | None) -> None:
    scores = scored(clip_of(tmp_path, [[P], [P]]), prompt)
    assert scores["similarity"].value == pytest.approx(1.0)
    assert scores["similarity"].backend == "dlib-resnet128/people-by-likeness"
    assert scores["presence"].value is None
    assert {scores[name].reason for name in ("presence", "swap_rate", "extra_faces", "face_frames")} == {"no cast declared"}


def test_one_shot_without_a_cast_is_judged_within_the_shot(tmp_path: Path) -> None:
    clip = clip_of(tmp_path, [[P, Q]])
    samples = clip.memo["seedbench.metrics.analyses.face_embeddings.face_embeddings"]
    samples.embedding[:, 20] = 0.1 * (-1.0) ** np.arange(len(samples))  # the faces move
    samples.embedding[:] /= np.linalg.norm(samples.embedding, axis=1, keepdims=True)
    scores = scored(clip, None)
    assert scores["within_shot"].value == pytest.approx(1.0)
    assert (scores["within_shot"].n_used, scores["within_shot"].backend) == (2, "dlib-resnet128")
    assert scores["face_changes"].value == 0.0
    assert scores["similarity"].reason == "one shot: nothing to compare"
    assert "curve" in [as_json(panel)["kind"] for panel in scores["similarity"].evidence]


def test_it_applies_to_prompts_that_may_show_people() -> None:
    text_alone = Prompt(id="x", text="x", task="motion", duration_s=2)
    ball = text_alone.model_copy(update={"events": (Event(kind="drop", start_s=0.0),)})
    assert [applies(CrossShotIdentity.info, prompt) for prompt in (text_alone, ball, prompt_of([("ann",)]))] == [True, False, True]


def test_a_clip_without_faces_scores_nothing(tmp_path: Path) -> None:
    scores = scored(clip_of(tmp_path, [[], []]), prompt_of([("ann",)] * 2))
    assert scores["presence"].value is None
    assert scores["similarity"].reason == "no face is seen"
    assert scores["similarity"].evidence == ()


def test_samples_survive_the_disk_cache() -> None:
    from seedbench.store import codec

    samples = samples_of([[P], [Q]])
    back = codec.unpack(codec.pack(samples))
    assert isinstance(back, FaceSamples)
    assert (back.embedding == samples.embedding).all()
    assert back.dropped == samples.dropped


def test_the_bank_of_drawn_faces_states_how_it_was_made() -> None:
    drawn = drawn_face_bank("dlib-resnet128")
    with np.load(Path(calibrate.__file__).with_name("bank.npz"), allow_pickle=False) as archive:
        provenance = json.loads(str(archive["provenance"]))
    assert drawn.shape == (int(provenance["people"]), 128)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(1.0, abs=2e-3)
    assert provenance["dlib-face"] == weights.find_entry("dlib-face").sha256
    cosine = drawn @ drawn.T
    assert FACE_SCALES["dlib-resnet128"].strangers < cosine[~np.eye(len(drawn), dtype=bool)].mean() < 0.94


def test_different_people_of_the_bank_are_not_taken_for_one_another() -> None:
    drawn = drawn_face_bank("dlib-resnet128")
    drawn = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    accepted = 0
    for person, face in enumerate(drawn):
        others = np.delete(drawn, person, axis=0)
        scale = face_scale(face, "dlib-resnet128", others)
        accepted += sum(scale.is_same(float(cosine)) for cosine in others @ face)
    assert accepted <= 0.01 * len(drawn) * (len(drawn) - 1)
