"""The metric on synthetic analyses: a drawn face track and a synthetic voice are put into a clip's memo, so no network runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.metrics.analyses.face_networks import box_of
from seedbench.metrics.analyses.faces import FaceTrack, FaceTracks
from seedbench.metrics.analyses.shots import Shots, shot_bounds
from seedbench.metrics.analyses.speech import SpeechAnalysis
from seedbench.metrics.lipsync import LipSync
from seedbench.metrics.lipsync.model import SHIPPED, load, save, shipped, windows_of
from seedbench.metrics.lipsync.natural_zero import SHIPPED_ZERO
from seedbench.metrics.lipsync.visible_mouth import CHIN
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import Sample, Score

N = 150


def opening(seed: int, n: int = N + 80) -> np.ndarray:
    """A mouth that opens and shuts a few times a second: (n,) 0..1."""
    rng = np.random.default_rng(seed)
    rough = np.convolve(rng.normal(size=n + 6), np.hanning(7), mode="valid")
    return np.clip(0.4 + 0.35 * rough / rough.std(), 0.0, 1.2)[:n]


def track(open_by: np.ndarray, *, first: int = 0, x: float = 200.0) -> FaceTrack:
    """A face of 468 points, 100 px between the eyes, whose lower lip and jaw drop by up to 25 px."""
    mesh = np.random.default_rng(1).uniform(-60, 60, (468, 3)) * [1, 1, 0]
    fixed = {
        33: (-50, 0),
        263: (50, 0),
        1: (0, 50),
        6: (0, 10),
        10: (0, -70),
        234: (-80, 20),
        454: (80, 20),
        152: (0, 140),
        148: (-15, 138),
    }
    upper = {
        61: (-28, 86),
        291: (28, 86),
        0: (0, 75),
        13: (0, 85),
        78: (-24, 86),
        308: (24, 86),
        37: (-10, 75),
        267: (10, 75),
        39: (-17, 77),
    }
    upper |= {
        269: (17, 77),
        40: (-23, 80),
        270: (23, 80),
        185: (-26, 83),
        409: (26, 83),
        81: (-14, 85),
        311: (14, 85),
        82: (-8, 85),
        312: (8, 85),
    }
    upper |= {42: (-18, 85), 310: (18, 85), 183: (-21, 86), 415: (21, 86)}
    lower = {
        14: (0, 86),
        17: (0, 97),
        87: (-8, 86),
        317: (8, 86),
        178: (-14, 86),
        402: (14, 86),
        88: (-18, 86),
        318: (18, 86),
        95: (-21, 86),
    }
    lower |= {
        324: (21, 86),
        84: (-10, 96),
        314: (10, 96),
        181: (-17, 94),
        405: (17, 94),
        91: (-23, 91),
        321: (23, 91),
        146: (-26, 88),
        375: (26, 88),
    }
    lower |= {152: (0, 140), 148: (-15, 138), 377: (15, 138)}
    for point, (px, py) in {**fixed, **upper, **lower}.items():
        mesh[point] = (px, py, 0)
    points = np.repeat(mesh[None], len(open_by), axis=0)
    for point, (px, _) in lower.items():
        points[:, point, 1] += 25 * open_by * (1 - abs(px) / 40)
    points += np.array([x, 120.0, 0.0]) + 0.15 * np.random.default_rng(2).normal(size=points.shape)
    ones = np.ones(len(open_by), np.float32)
    frames = np.arange(first, first + len(open_by), dtype=np.int32)
    return FaceTrack(frames, box_of(points).astype(np.float32), points.astype(np.float32), ones, ones)


def voice(open_by: np.ndarray) -> np.ndarray:
    """Log-mel (4 n, 40) of a voice that is loud when the mouth is open."""
    loud = np.interp(np.arange(4 * len(open_by)) / 4, np.arange(len(open_by)), open_by)
    tilt = np.linspace(0.0, -3.0, 40)
    return -9.0 + 7.0 * loud[:, None] + tilt + 0.3 * np.random.default_rng(3).normal(size=(len(loud), 40))


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = write_clip(tmp_path / "clip.mp4", np.full((N, 64, 96, 3), 90, np.uint8), 25, np.zeros(6 * 48000, np.float32), 48000)
    return Clip.open(path)


OUTLINE = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
OPENING = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 42, 183)


def drawn(tmp_path: Path, face: FaceTrack, *, mask: bool = False) -> Clip:
    """A clip that shows the lips of a face on skin, or cloth in their place."""
    pictures = np.empty((N, 300, 400, 3), np.uint8)
    pictures[:] = (120, 150, 180) if mask else (205, 165, 140)
    for picture, mesh in zip(pictures, np.rint(face.landmarks[:, :, :2] * 16).astype(np.int32), strict=True):
        if not mask:
            cv2.fillPoly(picture, [mesh[list(OUTLINE)]], (175, 85, 85), shift=4)
            cv2.fillPoly(picture, [mesh[list(OPENING)]], (40, 15, 15), shift=4)
            cv2.polylines(picture, [mesh[list(OPENING)]], True, (80, 30, 30), shift=4)
    pictures = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in pictures])
    return Clip.open(write_clip(tmp_path / "drawn.mp4", pictures, 25, np.zeros(6 * 48000, np.float32), 48000))


def scores_for(
    clip: Clip, faces: list[FaceTrack], log_mel: np.ndarray, *, cuts_s: list[float] | None = None, speech_s: float = 6.0
) -> dict[str, Score]:
    """Score the clip as if it showed ``faces`` and sounded like ``log_mel``."""
    cuts = np.array(cuts_s or [])
    count = np.zeros(N, np.int32)
    for face in faces:
        count[face.frames] += 1
    clip.memo["seedbench.metrics.analyses.faces.face_tracks"] = FaceTracks(N, 400, 300, faces, count)
    clip.memo["seedbench.metrics.analyses.speech.speech"] = SpeechAnalysis(np.array([[0.0, speech_s]]), np.ones(10), -20.0)
    clip.memo["seedbench.metrics.analyses.speech.mel"] = log_mel
    clip.memo["seedbench.metrics.analyses.shots.shots"] = Shots(
        cuts, shot_bounds(cuts, N / 25), np.empty(0), np.arange(N) / 25, np.zeros(N), np.zeros(N)
    )
    return {score.measure: score for score in LipSync().score(clip, Sample())}


LEAD = round(-shipped().aperture_lead_frames - SHIPPED_ZERO.ms / 40.0) if SHIPPED.exists() else 0


@pytest.mark.parametrize("early", [-8, -3, 0, 4, 10])
def test_a_known_offset_comes_back_in_ms(clip: Clip, early: int) -> None:
    mouth = opening(11)
    # the opening of real lips leads the energy of the voice: the voice at frame t belongs to the mouth LEAD frames before
    scores = scores_for(clip, [track(mouth[40 : 40 + N])], voice(mouth[40 + early - LEAD : 40 + early - LEAD + N]))
    assert scores["matched"].value == 1.0
    assert scores["offset_ms"].value == pytest.approx(40.0 * early, abs=50.0)
    assert scores["syncnet_offset_ms"].value == pytest.approx(scores["offset_ms"].value + SHIPPED_ZERO.ms)
    low, high = scores["offset_ms"].interval
    assert low < scores["offset_ms"].value < high


def test_a_model_of_ones_own_has_no_other_zero(clip: Clip) -> None:
    mouth = opening(11)
    memo = scores_for(clip, [track(mouth[40 : 40 + N])], voice(mouth[40 : 40 + N]))
    own = {score.measure: score.value for score in LipSync(shipped()).score(clip, Sample())}
    assert own["offset_ms"] == own["syncnet_offset_ms"] == memo["syncnet_offset_ms"].value


def test_lips_of_another_sentence_are_not_in_sync(clip: Clip) -> None:
    values = [scores_for(clip, [track(opening(seed)[:N])], voice(opening(seed + 100)[:N]))["in_sync"].value for seed in range(8)]
    assert sum(value == 1.0 for value in values) <= 1


@pytest.mark.parametrize("seed", [101, 104])
def test_lips_that_are_seen_and_follow_another_sentence_are_called_so(tmp_path: Path, seed: int) -> None:
    face = track(opening(seed - 100)[:N])
    scores = scores_for(drawn(tmp_path, face), [face], voice(opening(seed)[:N]))
    assert scores["in_sync"].value == scores["matched"].value == 0.0


def test_a_still_mouth_that_is_seen_gets_no_offset_and_is_not_in_sync(tmp_path: Path) -> None:
    face = track(np.full(N, 0.3))
    scores = scores_for(drawn(tmp_path, face), [face], voice(opening(11)[:N]))
    assert scores["offset_ms"].value is None
    assert scores["in_sync"].value == scores["matched"].value == 0.0


def test_nothing_is_said_against_lips_that_stand_still_above_a_chin_out_of_the_picture(tmp_path: Path) -> None:
    face = track(np.full(N, 0.3))
    clip = drawn(tmp_path, face)
    face.landmarks[:, CHIN, 1] = 2000.0
    scores = scores_for(clip, [face], voice(opening(11)[:N]))
    assert scores["matched"].value is scores["in_sync"].value is None
    assert "the chin is out of the picture" in scores["matched"].reason


@pytest.mark.parametrize("moving", [False, True])
def test_nothing_is_said_against_lips_under_a_mask(tmp_path: Path, moving: bool) -> None:
    face = track(opening(1)[:N] if moving else np.full(N, 0.3))
    scores = scores_for(drawn(tmp_path, face, mask=True), [face], voice(opening(101)[:N]))
    assert {name for name, score in scores.items() if score.value is not None} <= {"confidence"}
    assert "not seen well enough" in scores["matched"].reason


def test_the_silent_listener_is_not_taken_for_the_speaker(clip: Clip) -> None:
    mouth = opening(11)
    listener = track(0.25 * opening(50)[:N], x=600.0)
    scores = scores_for(clip, [listener, track(mouth[40 : 40 + N])], voice(mouth[40 - LEAD : 40 - LEAD + N]))
    assert scores["offset_ms"].value == pytest.approx(0.0, abs=50.0)


def test_two_mouths_that_fit_at_different_lags_give_no_offset(clip: Clip) -> None:
    mouth = opening(11)
    faces = [track(mouth[40 : 40 + N]), track(mouth[46 : 46 + N], x=600.0)]
    scores = scores_for(clip, faces, voice(mouth[40 - LEAD : 40 - LEAD + N]))
    assert scores["offset_ms"].value is None
    assert "different lag" in scores["offset_ms"].reason


def in_turns(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The first half of one series and the second half of another: (N,)."""
    return np.concatenate([first[: N // 2], second[N // 2 : N]])


def test_two_people_who_speak_in_turns_are_each_judged_on_their_own_speech(clip: Clip) -> None:
    left, right = opening(11)[40 : 40 + N], opening(23)[40 : 40 + N]
    sound = voice(in_turns(opening(11)[40 - LEAD : 40 - LEAD + N], opening(23)[40 - LEAD : 40 - LEAD + N]))
    scores = scores_for(clip, [track(in_turns(left, 0.1 * right)), track(in_turns(0.1 * left, right), x=600.0)], sound)
    assert scores["offset_ms"].value == pytest.approx(0.0, abs=50.0)
    turns = as_json(scores["offset_ms"].evidence[1])["series"]
    assert [max(x for x in turns[0]["x"]) < 4.0, min(x for x in turns[1]["x"]) > 2.0] == [True, True]


def test_a_voice_from_off_screen_does_not_count_against_the_face_that_speaks_before_it(clip: Clip) -> None:
    mouth = opening(11)
    lips = in_turns(mouth[40 : 40 + N], np.full(N, 0.2))
    scores = scores_for(clip, [track(lips)], voice(in_turns(mouth[40 - LEAD : 40 - LEAD + N], opening(31)[:N])))
    assert scores["offset_ms"].value == pytest.approx(0.0, abs=50.0)


@pytest.mark.parametrize("seed", [101, 103, 104])
def test_own_speech_with_another_voice_over_it_is_no_answer(tmp_path: Path, seed: int) -> None:
    mouth = opening(seed - 100)
    face, own = track(mouth[40 : 40 + N]), voice(mouth[40 - LEAD : 40 - LEAD + N])
    clip = drawn(tmp_path, face)
    assert scores_for(clip, [face], voice(opening(seed)[:N]))["matched"].value == 0.0
    both = scores_for(clip, [face], np.logaddexp(own, voice(opening(seed)[:N])))
    assert both["matched"].value is None
    assert "another voice may lie over" in both["matched"].reason


def test_lips_that_do_not_fit_are_no_answer_while_a_face_too_small_to_judge_may_speak(clip: Clip) -> None:
    small = track(opening(50)[:N], x=600.0)
    small = replace(small, boxes=np.tile(np.float32([0, 0, 30, 33]), (N, 1)))
    for lips in (np.full(N, 0.3), opening(61)[:N], opening(62)[:N]):
        scores = scores_for(clip, [track(lips), small], voice(opening(161)[:N]))
        assert scores["matched"].value is None
        assert "too small or too turned" in scores["matched"].reason


def test_lips_that_do_not_move_are_no_answer_while_a_face_in_profile_may_speak(clip: Clip) -> None:
    scores_for(clip, [track(np.full(N, 0.3))], voice(opening(161)[:N]))
    key = "seedbench.metrics.analyses.faces.face_tracks"
    clip.memo[key] = replace(clip.memo[key], unread_s=np.arange(0.0, 3.0, 0.12))
    scores = {score.measure: score for score in LipSync().score(clip, Sample())}
    assert scores["matched"].value is None
    assert "too turned" in scores["matched"].reason


def test_faces_of_which_none_moves_the_lips_are_not_in_sync(tmp_path: Path) -> None:
    face = track(np.full(N, 0.3))
    scores = scores_for(drawn(tmp_path, face), [face, replace(face)], voice(opening(161)[:N]))
    assert scores["matched"].value == scores["in_sync"].value == 0.0


def test_two_faces_of_which_none_fits_are_no_answer(clip: Clip) -> None:
    scores = scores_for(clip, [track(opening(61)[:N]), track(opening(62)[:N], x=600.0)], voice(opening(161)[:N]))
    assert scores["matched"].value is None
    assert "2 faces may be speaking" in scores["matched"].reason


def test_shots_of_one_speaker_are_pooled(clip: Clip) -> None:
    mouth = opening(11)
    faces = [track(mouth[40:115]), track(mouth[115 : 40 + N], first=75, x=260.0)]
    scores = scores_for(clip, faces, voice(mouth[40 - LEAD : 40 - LEAD + N]), cuts_s=[3.0])
    assert scores["offset_ms"].value == pytest.approx(0.0, abs=50.0)
    assert scores["offset_ms"].n_used == N


@pytest.mark.parametrize(
    ("frames", "speech_s", "word"),
    [(N, 0.8, "0.8 s of speech"), (30, 6.0, "usable face is seen"), (0, 6.0, "no face is seen")],
)
def test_too_little_speech_or_face_is_no_answer_with_a_reason(clip: Clip, frames: int, speech_s: float, word: str) -> None:
    mouth = opening(11)
    scores = scores_for(clip, [track(mouth[:frames])] if frames else [], voice(mouth[:N]), speech_s=speech_s)
    assert all(score.value is None and word in score.reason for score in scores.values())


def test_every_measure_is_answered_once_and_evidence_is_plain_data(clip: Clip) -> None:
    mouth = opening(11)
    scores = scores_for(clip, [track(mouth[40 : 40 + N])], voice(mouth[40 - LEAD : 40 - LEAD + N]))
    assert set(scores) == {measure.name for measure in LipSync.info.measures}
    kinds = [as_json(panel)["kind"] for panel in scores["offset_ms"].evidence]
    assert kinds == ["curve", "curve", "curve", "gallery"]


def test_a_clip_without_sound_is_no_answer(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "mute.mp4", np.full((30, 64, 96, 3), 90, np.uint8), 25, None, 48000)
    assert {score.reason for score in LipSync().score(Clip.open(path), Sample())} == {"the file has no sound"}


def test_the_shipped_model_is_small_and_states_its_licence(tmp_path: Path) -> None:
    assert SHIPPED.stat().st_size < 1_000_000
    assert "Apache-2.0" in shipped().provenance["licence"]
    save(shipped(), tmp_path / "again.npz")
    assert load(tmp_path / "again.npz").accept == shipped().accept


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    with np.load(SHIPPED) as archive:
        arrays = dict(archive)
    arrays["numbers"] = np.concatenate([[99.0], arrays["numbers"][1:]])
    np.savez(tmp_path / "new.npz", **arrays)
    with pytest.raises(ValueError, match="format 99"):
        load(tmp_path / "new.npz")


def test_long_silences_are_left_out_and_long_speech_is_divided_evenly() -> None:
    window = shipped().cohort
    long_window = type(window)(
        *(np.tile(part[0], (4, 1)) for part in (window.encoder_lips, window.encoder_sound, window.cca_lips, window.cca_sound))
    )
    assert [len(part) for part in windows_of(long_window, [(0, 20), (60, 300), (350, 450)])] == [120, 120, 100]
    assert [len(part) for part in windows_of(long_window, [(0, 20)])] == [120] * 4
