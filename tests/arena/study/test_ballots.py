"""Runs become pairs of equal footing; what cannot be shown blind is refused with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from seedbench.arena.settings import Settings, StudyError
from seedbench.arena.store import ClipRow, PairRow, StudyRow, open_store
from seedbench.arena.study.ballots import prepare
from seedbench.arena.study.entries import Entry, entries_of
from seedbench.arena.votes.rules import Rules
from seedbench.arena.voting.service import VotingService
from seedbench.clips.probing import probe
from seedbench.clips.writing import write_clip
from seedbench.files.hashing import file_sha256
from seedbench.files.locks import HeldError
from seedbench.store import Store
from tests.seedbench.report.conftest import build_report

RULES = Rules(name="r")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'arena.db'}")


@pytest.fixture
def entry(tmp_path: Path) -> Callable[..., Entry]:
    """Makes a clip of a system; ``sound`` is a tone, or none."""

    def make(
        generator: str, prompt: str = "p", *, sound: bool = True, seed: int = 0, seconds: float = 1.0, codec: str = "libx264"
    ) -> Entry:
        tone = 0.2 * np.sin(np.arange(round(48_000 * seconds)) * (0.02 + len(generator) / 1000)).astype(np.float32)
        ramp = np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None]
        pictures = [np.broadcast_to(np.roll(ramp, index, 1), (36, 64, 3)).astype(np.uint8) for index in range(round(25 * seconds))]
        file = write_clip(tmp_path / f"{generator}-{prompt}-{seed}.mp4", pictures, 25, tone if sound else None, 48_000, video_codec=codec)
        return Entry(generator, "run", prompt, f"Text of {prompt}.", "talking", "quick 1", seed, file, "0" * 64)

    return make


def settings(**changes: Any) -> Settings:
    return Settings.model_validate({"width": 128, "height": 72, **changes})


def rows(store: Store, table: Any) -> list[Any]:
    with store.session() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_every_two_systems_of_a_prompt_make_a_pair_and_each_prompt_its_checks(
    store: Store, tmp_path: Path, entry: Callable[..., Entry]
) -> None:
    entries = [entry(name, prompt) for name in ("a", "b", "c") for prompt in ("p", "q")]
    ticks: list[tuple[int, int]] = []
    prepared = prepare(store, tmp_path / "study", entries, settings(), RULES, "s", on_progress=lambda done, of: ticks.append((done, of)))
    assert (prepared.n_pairs, prepared.n_gold, prepared.refused, prepared.n_single) == (6, 2, {}, 0)
    assert ticks == [(1, 2), (2, 2)]
    pairs, clips = rows(store, PairRow), {clip.id: clip for clip in rows(store, ClipRow)}
    assert Counter(pair.kind for pair in pairs) == {"pair": 6, "same": 2, "gold": 2}
    for pair in pairs:
        first, second = clips[pair.first_id], clips[pair.second_id]
        assert (first.generator != second.generator) == (pair.kind == "pair")
        assert bool(second.broken) == (pair.kind == "gold")
        assert pair.expected == ("first" if pair.kind == "gold" else None)
    assert len(list((tmp_path / "study").iterdir())) == len(clips) == 8


def test_all_clips_of_a_prompt_are_one_size_one_length_and_one_rate(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    prepare(store, tmp_path / "study", [entry("a", seconds=1.0), entry("b", seconds=1.6)], settings(), RULES, "s")
    files = list((tmp_path / "study").iterdir())
    assert len({file.stat().st_size for file in files}) == 1
    assert len({(probe(file).n_frames, probe(file).width, probe(file).fps) for file in files}) == 1


def test_profiles_have_pairs_of_their_own(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    prepare(store, tmp_path / "study", [entry("a"), entry("b")], settings(profiles=("native", "matched")), RULES, "s")
    assert Counter(pair.profile for pair in rows(store, PairRow) if pair.kind == "pair") == {"native": 1, "matched": 1}


def test_silent_and_sounding_clips_are_never_side_by_side(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    entries = [entry("a"), entry("b", sound=False), entry("c"), entry("d", sound=False)]
    prepared = prepare(store, tmp_path / "study", entries, settings(), RULES, "s")
    assert prepared.n_sound_mismatch == 4
    clips = {clip.id: clip.generator for clip in rows(store, ClipRow)}
    sides = {(clips[pair.first_id] + clips[pair.second_id], pair.with_sound) for pair in rows(store, PairRow) if pair.kind == "pair"}
    assert sides == {("ac", True), ("bd", False)}
    with pytest.raises(StudyError, match="no pair is left to show: clips with sound and clips without"):
        prepare(store, tmp_path / "t", entries[:2], settings(), RULES, "t")


def test_what_cannot_be_shown_is_refused_by_name_and_the_rest_goes_on(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    broken = entry("c")
    broken.file.write_bytes(b"no clip")
    hevc, still = entry("d", codec="libx265"), entry("e", seconds=0.04)
    prepared = prepare(store, tmp_path / "study", [entry("a"), entry("b"), broken, hevc, still], settings(profiles=("native",)), RULES, "s")
    assert prepared.n_pairs == 1
    assert "browsers do not play hevc" in prepared.refused["d, p, seed 0, native"]
    assert "c, p, seed 0, native" in prepared.refused
    assert prepared.refused["e, p, seed 0, native"] == "it has no moving picture"


def test_prompts_and_seeds_are_not_mixed(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    prepared = prepare(store, tmp_path / "study", [entry("a"), entry("b"), entry("a", seed=1), entry("b", "q")], settings(), RULES, "s")
    assert (prepared.n_pairs, prepared.n_single) == (1, 2)
    with pytest.raises(StudyError, match="nothing to compare"):
        prepare(store, tmp_path / "t", [entry("a"), entry("b", "q")], settings(), RULES, "t")


def test_a_study_is_never_changed_and_a_failure_leaves_nothing(
    store: Store, tmp_path: Path, entry: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry("a"), entry("b")]
    prepare(store, tmp_path / "study", entries, settings(), RULES, "s")
    with pytest.raises(StudyError, match="a study called 's' exists already"):
        prepare(store, tmp_path / "study2", entries, settings(), RULES, "s")
    assert not (tmp_path / "study2").exists()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(store, tmp_path / "u", entries, settings(), RULES, "u", on_progress=stop)
    assert not (tmp_path / "u").exists()
    assert [study_row.name for study_row in rows(store, StudyRow)] == ["s"]
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_clips_of_a_study_in_another_database_are_left_alone(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    theirs = tmp_path / "study"
    theirs.mkdir()
    (theirs / "clip.mp4").write_bytes(b"theirs")
    with pytest.raises(StudyError, match="exists already, and the database knows no study of it"):
        prepare(store, theirs, [entry("a"), entry("b")], settings(), RULES, "s")
    assert (theirs / "clip.mp4").read_bytes() == b"theirs"

    def meanwhile(done: int, of: int) -> None:
        (tmp_path / "late").mkdir()
        (tmp_path / "late" / "clip.mp4").write_bytes(b"theirs")

    with pytest.raises(StudyError, match="exists already, and the database knows no study of it"):
        prepare(store, tmp_path / "late", [entry("a"), entry("b")], settings(), RULES, "s", on_progress=meanwhile)
    assert (tmp_path / "late" / "clip.mp4").read_bytes() == b"theirs"
    assert rows(store, StudyRow) == []


def test_a_study_is_made_by_one_process_and_what_a_killed_one_left_goes(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    entries = [entry("a"), entry("b")]
    left = tmp_path / "study.0123.part"
    left.mkdir()

    def again(_done: int, _of: int) -> None:
        with pytest.raises(HeldError, match="study 's' is in use"):
            prepare(store, tmp_path / "study", entries, settings(), RULES, "s")

    assert prepare(store, tmp_path / "study", entries, settings(), RULES, "s", on_progress=again).n_pairs == 1
    assert not left.exists()


def test_a_name_that_another_machine_took_meanwhile_is_a_sentence(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    entries = [entry("a"), entry("b")]

    def elsewhere(_done: int, _of: int) -> None:
        prepare(store, tmp_path / "other" / "study", entries, settings(), RULES, "s")

    with pytest.raises(StudyError, match="a study called 's' exists already"):
        prepare(store, tmp_path / "study", entries, settings(), RULES, "s", on_progress=elsewhere)
    assert not (tmp_path / "study").exists()
    assert len(rows(store, StudyRow)) == 1


def test_a_clip_that_is_lost_is_refused_with_the_reason(store: Store, tmp_path: Path, entry: Callable[..., Entry]) -> None:
    lost = replace(entry("c"), file=Path(), lost="its clip is damaged")
    prepared = prepare(store, tmp_path / "study", [entry("a"), entry("b"), lost], settings(), RULES, "s")
    assert (prepared.n_pairs, set(prepared.refused.values())) == (1, {"its clip is damaged"})


def test_lost_clips_of_a_run_are_entries_and_not_passed_over(tmp_path: Path) -> None:
    report = build_report(tmp_path)
    cells = [replace(cell, status="succeeded", clip_path=None, reason="gone") for cell in report.cells]
    entries = entries_of([replace(report, cells=tuple(cells))])
    assert len(entries) == len(cells)
    assert {entry.lost for entry in entries} == {"gone"}


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b""), lambda file: file.write_bytes(b"x" + file.read_bytes()[1:])])
def test_voters_are_not_shown_a_clip_that_is_not_the_prepared_one(
    store: Store, tmp_path: Path, entry: Callable[..., Entry], damage: Callable[[Path], object]
) -> None:
    prepare(store, tmp_path / "study", [entry("a"), entry("b")], settings(), RULES, "s")
    VotingService(store, "s", tmp_path / "study")
    clip = rows(store, ClipRow)[0]
    assert clip.file_sha256 == file_sha256(tmp_path / "study" / clip.file)
    damage(tmp_path / "study" / clip.file)
    with pytest.raises(StudyError, match=r"1 clips of the study in .* are damaged: prepare the study again"):
        VotingService(store, "s", tmp_path / "study")
