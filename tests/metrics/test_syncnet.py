"""SyncNet v2: every stage against its published arithmetic, and the whole against the syncnet-python wheel with the same random weights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import python_speech_features
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import WeightsError
from seedbench.metrics.analyses.faces import FaceTrack, FaceTracks
from seedbench.metrics.syncnet import SyncNet, lag, metric, mfcc, tracks
from seedbench.metrics.syncnet.network import SyncNetV2, embed_lips, embed_sound, load, window_count
from seedbench.plugins import weights
from seedbench.plugins.metric import Sample

VALUES = ("lse_d", "lse_c", "lse_d_masked", "lse_c_masked", "offset_ms")


# -- sound -----------------------------------------------------------------------------------------------------------------------------


def tone(seconds: float) -> np.ndarray:
    return (1e4 * np.sin(2 * np.pi * 440 * np.arange(round(16_000 * seconds)) / 16_000)).astype(np.int16)


def test_a_tone_has_the_golden_cepstra() -> None:
    assert mfcc.mfcc(tone(1.0))[50, :5] == pytest.approx([19.5121, 19.5095, 2.6441, -13.1919, -26.1621], abs=6e-4)


@pytest.mark.parametrize("n_samples", [1, 399, 400, 401, 560, 561, 16_000, 20_480])
def test_cepstra_equal_python_speech_features(n_samples: int) -> None:
    samples = np.random.default_rng(n_samples).integers(-20_000, 20_000, n_samples).astype(np.int16)
    expected = python_speech_features.mfcc(samples, 16_000)
    assert mfcc.mfcc(samples).shape == expected.shape
    assert mfcc.mfcc(samples) == pytest.approx(expected, abs=1e-9)


def test_silence_has_finite_cepstra() -> None:
    silent = np.zeros(4000, np.int16)
    assert mfcc.mfcc(silent) == pytest.approx(python_speech_features.mfcc(silent, 16_000), abs=1e-9)


@pytest.mark.parametrize(("seconds", "columns"), [(1.0, 99), (5.28, 527)])
def test_column_counts(seconds: float, columns: int) -> None:
    assert len(mfcc.mfcc(tone(seconds))) == columns == mfcc.frame_count(round(16_000 * seconds))


def test_the_wrong_scale_would_only_move_the_energy() -> None:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, 4000)
    gap = mfcc.mfcc(samples) - mfcc.mfcc(samples / 32768.0)
    assert gap[:, 0] == pytest.approx(20.7944, abs=5e-5)


# -- tracks and crops ------------------------------------------------------------------------------------------------------------------

FACE = [100.0, 100.0, 220.0, 220.0]


def moved(box: list[float], dx: float) -> list[float]:
    return [box[0] + dx, box[1], box[2] + dx, box[3]]


@pytest.mark.parametrize(("missing", "lengths"), [(24, [144]), (25, [60, 60])])
def test_a_gap_of_25_frames_is_bridged_and_one_of_26_is_not(missing: int, lengths: list[int]) -> None:
    linked = tracks.link_boxes([[FACE]] * 60 + [[]] * missing + [[FACE]] * 60)
    assert [len(track.frames) for track in linked] == lengths


def test_boxes_that_overlap_by_exactly_half_are_two_faces() -> None:
    half = moved(FACE, 40.0)  # 80 of 120 shared: 80 / 160
    assert tracks.iou(FACE, half) == pytest.approx(0.5)
    assert [track.detections for track in tracks.link_boxes([[FACE]] * 60 + [[half]] * 60)] == [60, 60]
    assert [track.detections for track in tracks.link_boxes([[FACE]] * 60 + [[moved(FACE, 39.0)]] * 60)] == [120]


@pytest.mark.parametrize(("count", "kept"), [(100, 0), (101, 1)])
def test_the_least_length_is_strict(count: int, kept: int) -> None:
    assert len(tracks.link_boxes([[FACE]] * count, min_track=100)) == kept


@pytest.mark.parametrize(("side", "kept"), [(100.0, 0), (101.0, 1)])
def test_small_faces_are_left_out(side: float, kept: int) -> None:
    assert len(tracks.link_boxes([[[0.0, 0.0, side, side]]] * 60)) == kept


def test_two_faces_in_one_shot_are_told_apart_whatever_their_order() -> None:
    other = moved(FACE, 400.0)
    frames = [[FACE, other] if k % 2 else [other, FACE] for k in range(60)]
    assert [(track.detections, np.ptp(track.boxes[:, 0])) for track in tracks.link_boxes(frames)] == [(60, 0.0), (60, 0.0)]


def test_boxes_are_filled_in_linearly() -> None:
    track = tracks.link_boxes([[FACE]] * 51 + [[]] * 3 + [[moved(FACE, 8.0)]])[0]
    assert track.boxes[50:55, 0] == pytest.approx([100, 102, 104, 106, 108])


def test_no_track_crosses_a_cut() -> None:
    linked = metric.tracks_in_shots([[FACE]] * 120, np.array([2.4]))
    assert [(track.frames[0], track.frames[-1]) for track in linked] == [(0, 59), (60, 119)]
    assert metric.tracks_in_shots([[FACE]] * 98, np.array([1.96])) == []


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=40), st.sampled_from([3, 9, 13]))
def test_the_running_median_is_scipys(values: list[float], width: int) -> None:
    array = np.array(values)
    padded = np.pad(array, (0, max(0, width - len(array))))  # scipy warns below the width; zeros follow the end either way
    assert tracks.median_filter(array, width) == pytest.approx(scipy.signal.medfilt(padded, width)[: len(array)])


def test_the_crop_is_28_half_sizes_and_low_on_the_chin() -> None:
    x0, y0, x1, y1 = tracks.crop_window(300.0, 200.0, 50.0)
    assert (x1 - x0, y1 - y0) == (140, 140)
    assert (x0, y0) == (230, 150)


def test_beyond_the_picture_the_crop_is_grey() -> None:
    crop = tracks.crop_picture(np.zeros((50, 50, 3), np.uint8), (-20, -20, 20, 20))
    assert crop[0, 0].tolist() == [110, 110, 110]
    assert crop[-1, -1].tolist() == [0, 0, 0]


# -- lag search ------------------------------------------------------------------------------------------------------------------------


def speech_and_lips(lead: int, *, n: int = 120, noise: float = 0.6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of which the sound of frame i is seen at frame i + lead: a positive lead is early sound."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n + 60, 32))
    lips = source[30 : 30 + n] + noise * rng.normal(size=(n, 32))
    sound = source[30 + lead : 30 + lead + n] + noise * rng.normal(size=(n, 32))
    return lips, sound


@pytest.mark.parametrize("lead", [-12, -3, 0, 3, 12])
def test_sound_that_leads_has_a_positive_offset(lead: int) -> None:
    distance, real = lag.lag_distances(*speech_and_lips(lead))
    assert lag.search_lags(distance).offset_frames == lead
    assert lag.search_lags(distance, real).offset_frames == lead


def test_without_padding_artefacts_both_searches_agree_at_lag_zero() -> None:
    distance, real = lag.lag_distances(*speech_and_lips(0))
    faithful, masked = lag.search_lags(distance), lag.search_lags(distance, real)
    assert faithful.lse_d == masked.lse_d
    assert len(faithful.mean_distance) == 31


def test_padding_moves_unrelated_sound_to_the_edge_and_masking_does_not() -> None:
    rng = np.random.default_rng(1)
    searches = [
        [lag.search_lags(d), lag.search_lags(d, r)] for d, r in (lag.lag_distances(*rng.normal(size=(2, 60, 32))) for _ in range(100))
    ]
    padded, masked = (np.mean([abs(pair[k].offset_frames) for pair in searches]) for k in (0, 1))
    assert padded > 13
    assert masked < 10.5  # chance is 7.7; the fewest windows stand behind the largest lags
    assert np.mean([pair[0].on_edge for pair in searches]) > 0.8


def test_the_distance_to_padding_is_that_to_a_zero_vector() -> None:
    distance, real = lag.lag_distances(np.array([[3.0, 4.0]] * 4), np.zeros((4, 2)), vshift=2)
    assert distance == pytest.approx(5.0, abs=1e-5)
    assert real[0].tolist() == [False, False, True, True, True]


def test_too_few_windows_for_the_lags_are_refused() -> None:
    distance, real = lag.lag_distances(*np.ones((2, 10, 4)))
    with pytest.raises(ValueError, match="too few windows"):
        lag.search_lags(distance, real)


@pytest.mark.parametrize(("frames", "windows"), [(5, 0), (30, 25), (50, 45), (125, 120)])
def test_window_counts(frames: int, windows: int) -> None:
    assert window_count(frames, frames * 640) == windows


# -- scores of a clip ------------------------------------------------------------------------------------------------------------------


def result(lips: np.ndarray, sound: np.ndarray, start_s: float = 0.0) -> metric.TrackResult:
    distance, real = lag.lag_distances(lips, sound)
    picture = np.zeros((224, 224, 3), np.uint8)
    return metric.TrackResult(start_s, start_s + 5.0, len(lips), lag.search_lags(distance), lag.search_lags(distance, real), picture)


def test_the_best_synchronised_face_speaks_for_the_clip() -> None:
    silent = result(*np.random.default_rng(2).normal(size=(2, 120, 32)))
    speaking = result(*speech_and_lips(2), start_s=5.0)
    scores = {score.measure: score for score in metric.scores_of([silent, speaking], 2)}
    assert set(scores) == set(VALUES)
    assert scores["offset_ms"].value == 80.0
    assert scores["lse_d"].value == speaking.faithful.lse_d
    assert scores["lse_c"].details["track"] == "5.00-10.00 s, of 2"
    assert {panel.kind for panel in scores["lse_d"].evidence} == {"curve", "gallery", "facts"}


def test_unrelated_lips_and_sound_get_no_offset_and_no_padded_score() -> None:
    scores = {score.measure: score for score in metric.scores_of([result(*np.random.default_rng(3).normal(size=(2, 120, 32)))], 1)}
    assert scores["offset_ms"].value is None
    assert "no lag is clearly the nearest" in scores["offset_ms"].reason
    assert scores["lse_c"].value is None
    assert "padding" in scores["lse_c"].reason
    assert scores["lse_c_masked"].value is not None


def test_an_offset_at_the_edge_of_the_search_is_no_answer() -> None:
    scores = {score.measure: score for score in metric.scores_of([result(*speech_and_lips(14))], 1)}
    assert scores["offset_ms"].value is None
    assert "edge of the search" in scores["offset_ms"].reason


def test_flat_features_give_no_answer() -> None:
    scores = metric.scores_of([result(np.ones((60, 8)), np.ones((60, 8)))], 1)
    assert [score.value for score in scores] == [None] * 5


# -- the network and the wheel ---------------------------------------------------------------------------------------------------------


def lively(seed: int = 0) -> SyncNetV2:
    """Random weights under which inputs differ: He's initialisation, normalisation fitted on random input."""
    torch.manual_seed(seed)
    net = SyncNetV2()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
            module.momentum = None
    with torch.no_grad():
        net.train().lips(torch.rand(1, 3, 10, 224, 224) * 255)
        net.sound(torch.randn(16, 1, 13, 20) * 10)
    return net.eval()


@pytest.fixture(scope="module")
def net() -> SyncNetV2:
    return lively()


@pytest.fixture(scope="module")
def bench() -> Any:
    path = Path(__file__).parents[1] / "benchmarks" / "syncnet_wheel.py"
    spec = importlib.util.spec_from_file_location("syncnet_wheel", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bench.load(bench.unpack(tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def face_and_sound() -> tuple[np.ndarray, np.ndarray]:
    """36 crops whose texture changes smoothly, and noise whose colour changes with them."""
    rng = np.random.default_rng(5)
    small = scipy.signal.lfilter([0.5], [1, -0.5], rng.uniform(0, 255, (36, 12, 12, 3)), axis=0).clip(0, 255).astype(np.uint8)
    crops = np.stack([cv2.resize(picture, (224, 224), interpolation=cv2.INTER_CUBIC) for picture in small])
    samples = rng.normal(0, 0.1, 36 * 640) * np.repeat(rng.uniform(0.1, 1, 36), 640)
    return crops, samples


def test_running_over_a_stretch_equals_stacking_windows(net: SyncNetV2, face_and_sound: tuple[np.ndarray, np.ndarray]) -> None:
    crops = face_and_sound[0][:8]
    stacked = torch.cat([torch.from_numpy(crops[i : i + 5, :, :, ::-1].transpose(3, 0, 1, 2).copy())[None].float() for i in range(4)])
    with torch.inference_mode():
        expected = net.netfclip(net.netcnnlip(stacked).flatten(1)).numpy()
    assert embed_lips(net, crops, 4) == pytest.approx(expected, abs=1e-4)


def test_the_parameters_have_the_names_and_shapes_of_the_wheels_network(net: SyncNetV2, wheel: Any) -> None:
    ours, theirs = net.state_dict(), wheel.SyncNetModel().state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in theirs.items()}


def test_the_whole_pass_equals_the_wheels(
    net: SyncNetV2, wheel: Any, bench: Any, face_and_sound: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    crops, samples = face_and_sound
    model = wheel.SyncNetModel()
    model.load_state_dict(net.state_dict())
    offset, confidence, distance = bench.evaluate(wheel, model.eval(), crops, mfcc.int16_samples(samples), tmp_path)
    faithful, _ = metric.score_track(net, crops, samples)
    assert faithful.offset_frames == offset
    assert faithful.lse_c == pytest.approx(confidence, abs=1e-4)
    assert faithful.lse_d == pytest.approx(distance, rel=1e-6)
    assert confidence > 0.05  # the comparison is of something


def test_the_lag_search_equals_the_wheels(wheel: Any) -> None:
    lips, sound = (part.astype(np.float32) for part in speech_and_lips(4, n=50))
    calc = sys.modules[f"{wheel.__name__}.SyncNetInstance"].calc_pdist
    expected = torch.stack(calc(torch.from_numpy(lips), torch.from_numpy(sound), vshift=15)).numpy()
    assert lag.lag_distances(lips, sound)[0] == pytest.approx(expected, abs=1e-5)


class Recorder:
    """Takes the pictures the wheel would hand to a video encoder."""

    taken: list[np.ndarray]

    def __init__(self, *_: object) -> None:
        Recorder.taken = []

    def write(self, picture: np.ndarray) -> None:
        Recorder.taken.append(picture)

    def release(self) -> None:
        """Nothing to release."""


@pytest.fixture
def pipeline(wheel: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The wheel's pipeline without its models, its encoder replaced by a list."""
    module = sys.modules[f"{wheel.__name__}.syncnet_pipeline"]
    pipeline_without_models = object.__new__(module.SyncNetPipeline)
    pipeline_without_models.cfg = module.PipelineConfig()
    monkeypatch.setattr(module.cv2, "VideoWriter", Recorder)
    monkeypatch.setattr(module.subprocess, "run", lambda *args, **more: subprocess.CompletedProcess(args, 0))
    monkeypatch.setattr(module.os, "remove", lambda path: None)
    return pipeline_without_models


def wandering_face(seed: int = 6) -> list[list[list[float]]]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1.5, (90, 2)), axis=0)
    size = 120 + np.cumsum(rng.normal(0, 0.5, 90))
    seen = rng.uniform(size=90) > 0.15
    return [[[60 + x, 40 + y, 60 + x + s, 40 + y + 1.1 * s]] if there else [] for (x, y), s, there in zip(walk, size, seen, strict=True)]


def test_the_tracker_equals_the_wheels_on_one_face(pipeline: Any) -> None:
    boxes_by_frame = wandering_face()
    theirs = pipeline._track([[{"frame": k, "bbox": box, "conf": 1.0} for box in boxes] for k, boxes in enumerate(boxes_by_frame)])
    ours = tracks.link_boxes(boxes_by_frame)
    assert len(ours) == len(theirs) == 1
    assert np.array_equal(ours[0].frames, theirs[0]["frame"])
    assert ours[0].boxes == pytest.approx(theirs[0]["bbox"])


def test_the_crops_equal_the_wheels(pipeline: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rgb = rng.integers(0, 255, (90, 180, 240, 3)).astype(np.uint8)  # the face leaves the picture at an edge
    track = tracks.link_boxes(wandering_face())[0]
    paths = []
    for index, picture in enumerate(rgb):
        paths.append(tmp_path / f"{index}.png")
        cv2.imwrite(str(paths[-1]), np.ascontiguousarray(picture[:, :, ::-1]))
    pipeline._crop({"frame": track.frames, "bbox": track.boxes}, [str(path) for path in paths], "none.wav", tmp_path / "crop")
    theirs = np.stack(Recorder.taken)[..., ::-1]
    assert np.array_equal(tracks.face_crops(rgb, [track])[0], theirs)


# -- the metric ------------------------------------------------------------------------------------------------------------------------


def test_without_weights_the_metric_says_how_to_add_them(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "none"))
    scores = SyncNet().score(Clip.open(make_clip("clip.mp4")), Sample())
    assert {score.reason for score in scores} == {"SyncNet weights are not installed: seedbench weights add syncnet PATH"}
    assert {score.measure for score in scores} == set(VALUES)


@pytest.fixture
def random_weights(net: SyncNetV2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "syncnet_v2.model"
    torch.save(net.state_dict(), path)
    available, path_of = weights.available, weights.path
    monkeypatch.setattr(weights, "available", lambda name: name == "syncnet" or available(name))
    monkeypatch.setattr(weights, "path", lambda name: path if name == "syncnet" else path_of(name))
    return path


def test_a_file_of_parameters_loads_unchanged(random_weights: Path, net: SyncNetV2) -> None:
    loaded = load(random_weights)
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in loaded.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_file_of_something_else_is_refused_in_a_sentence(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "other.model"
    if content is None:
        torch.save({"layer.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match="does not hold the parameters of SyncNet v2"):
        load(path)


def test_a_clip_without_speech_gets_no_score(random_weights: Path, make_clip: Callable[..., Path]) -> None:
    scores = SyncNet().score(Clip.open(make_clip("clip.mp4", tone_hz=440)), Sample())
    assert "s of speech" in scores[0].reason


def test_a_photograph_of_a_face_gets_no_score() -> None:
    rgb = np.repeat(np.random.default_rng(8).integers(0, 255, (1, 300, 300, 3)), 60, axis=0).astype(np.uint8)
    track = tracks.link_boxes([[FACE]] * 60)[0]
    (crops,) = tracks.face_crops(rgb, [track])
    spoken = metric.SpeechAnalysis(np.array([[0.0, 2.4]]), np.zeros(0), -20.0)
    assert metric.track_result(SyncNetV2(), crops, np.ones(60 * 640), spoken, track) == "the face does not move"


def test_a_face_seen_while_nobody_speaks_gets_no_score() -> None:
    track = tracks.link_boxes([[FACE]] * 60)[0]
    spoken = metric.SpeechAnalysis(np.array([[2.0, 9.0]]), np.zeros(0), -20.0)
    result = metric.track_result(SyncNetV2(), np.zeros((60, 9, 9, 3), np.uint8), np.ones(60 * 640), spoken, track)
    assert isinstance(result, str)
    assert "0.4 s of speech" in result


def test_the_embeddings_of_sound_follow_the_windows(net: SyncNetV2) -> None:
    cepstra = np.random.default_rng(9).normal(size=(60, 13)) * 5
    rows = embed_sound(net, cepstra, 3)
    assert rows.shape == (3, 1024)
    assert embed_sound(net, cepstra[8:], 1)[0] == pytest.approx(rows[2], abs=1e-4)


def test_a_clip_with_a_face_is_scored_from_its_file(
    random_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, net: SyncNetV2
) -> None:
    rng = np.random.default_rng(10)
    small = rng.integers(0, 255, (56, 8, 8, 3)).astype(np.uint8)
    frames = [cv2.resize(picture, (256, 256), interpolation=cv2.INTER_CUBIC) for picture in small]
    clip = Clip.open(write_clip(tmp_path / "face.mp4", frames, 25, rng.normal(0, 0.1, 56 * 1920).astype(np.float32)))
    boxes = np.tile(np.array(FACE, np.float32), (56, 1))
    seen = FaceTrack(np.arange(56), boxes, np.zeros((56, 468, 3), np.float32), np.ones(56), np.ones(56))
    monkeypatch.setattr(metric, "face_tracks", lambda _: FaceTracks(56, 256, 256, [seen], np.ones(56, int)))
    monkeypatch.setattr(metric, "shots", lambda _: SimpleNamespace(cuts_s=np.zeros(0)))
    monkeypatch.setattr(metric, "speech", lambda _: metric.SpeechAnalysis(np.array([[0.0, 2.2]]), np.zeros(0), -20.0))
    scores = {score.measure: score for score in SyncNet().score(clip, Sample())}
    (crops,) = tracks.face_crops(clip.pictures_at(25), tracks.link_boxes([[FACE]] * 56))
    faithful, masked = metric.score_track(net, crops, clip.audio(16_000).samples[: 56 * 640])
    assert scores["lse_d_masked"].value == masked.lse_d
    assert scores["lse_d_masked"].n_used == 51
    assert scores["lse_d_masked"].backend == "syncnet-v2/blazeface"
    assert (scores["lse_d"].value is None) == faithful.on_edge


@pytest.mark.parametrize("seed", range(8))
def test_a_curve_that_is_flat_but_for_rounding_has_its_least_in_the_middle(seed: int) -> None:
    distance = 7.0 + 1e-9 * np.random.default_rng(seed).normal(size=(40, 31))
    search = lag.search_lags(distance)
    assert (search.offset_frames, search.on_edge) == (0, False)
