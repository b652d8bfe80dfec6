"""From runs to ballots: every two systems' clips of one prompt and seed, made ready to be shown blind."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.arena.blinding.matched import Presented, canvas_of, matched, native
from seedbench.arena.blinding.remux import pad
from seedbench.arena.settings import Settings, StudyError, study_lock
from seedbench.arena.store import ClipRow, PairRow, StudyRow
from seedbench.arena.votes.log import Profile
from seedbench.arena.votes.rules import Rules
from seedbench.clips.degradations import degrade_clip
from seedbench.clips.media import probe
from seedbench.errors import SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.files.locks import FileLocks
from seedbench.processes.stopping import defer_signals
from seedbench.results.data import RunReport
from seedbench.store import Store
from seedbench.suites.prompt import Prompt

#: How one side of a gold pair is broken, so that a careful voter cannot miss it. Sound, where there is none, cannot be.
_GOLD_WITH_SOUND = ({"delay-sound": 1000.0}, {"drop-sound": 0.999}, {"blur": 8.0})
_GOLD_SILENT = ({"blur": 8.0}, {"freeze": 0.3})


Caption = tuple[float, float, str]
"""When a line begins and ends in seconds, and its words."""
_LETTER_S, _LEAST_LINE_S = 0.075, 1.2
_OTHERS = "{folder} is there already, of a study that this database does not know: choose another --name, or remove the folder"


@dataclass(frozen=True)
class Entry:
    """A clip of a run that takes part; ``captions`` are the lines that were to be said. ``lost`` says why there is no clip any more."""

    generator: str
    run: str
    prompt: str
    text: str
    task: str
    category: str
    seed: int
    file: Path
    sha256: str
    captions: tuple[Caption, ...] = ()
    lost: str = ""


@dataclass(frozen=True)
class Prepared:
    """What became of runs: counts, and why clips were refused, by reason.

    ``lonely`` counts prompts and seeds with clips of one system only, ``unlike`` pairs that are none because one clip sounds and the
    other is silent.
    """

    study: str
    n_clips: int
    n_pairs: int
    n_gold: int
    refused: dict[str, str]
    lonely: int
    unlike: int


def captions_of(prompt: Prompt) -> tuple[Caption, ...]:
    """The lines of a prompt as captions: from where each is to begin for as long as it takes to say, or until the next.

    >>> from seedbench.suites.prompt import Character, Line, Prompt
    >>> speech = (Line(character="a", text="Good morning to you all."), Line(character="a", text="Bye.", start_s=1.5))
    >>> captions_of(Prompt(id="p", text="", task="talking", cast=(Character(id="a"),), speech=speech))
    ((0.2, 1.5, 'Good morning to you all.'), (1.5, 2.7, 'Bye.'))
    >>> captions_of(Prompt(id="p", text="", task="characters"))
    ()
    """
    lines = sorted(prompt.speech, key=lambda line: line.start_s)
    ends = [*(line.start_s for line in lines[1:]), prompt.duration_s][: len(lines)]
    return tuple(
        (line.start_s, round(min(max(end, line.start_s), line.start_s + max(_LEAST_LINE_S, _LETTER_S * len(line.text))), 3), line.text)
        for line, end in zip(lines, ends, strict=True)
    )


def entries_of(reports: Sequence[RunReport], captions: Mapping[tuple[str, str], tuple[Caption, ...]] | None = None) -> list[Entry]:
    """The finished clips of runs, with ``captions`` by run and prompt. A label in several runs is told apart by the run's name."""
    labels = Counter(one.label for report in reports for one in report.generators)
    found = []
    for report in reports:
        for cell in report.cells:
            if cell.status != "succeeded":
                continue
            name = cell.generator if labels[cell.generator] == 1 else f"{cell.generator} ({report.name})"
            suite = f"{report.suite.name} {report.suite.version}"
            found.append(
                Entry(
                    name,
                    report.name,
                    cell.prompt_id,
                    cell.prompt_text,
                    cell.task,
                    suite,
                    cell.seed,
                    cell.clip_path or Path(),
                    cell.clip_sha256,
                    (captions or {}).get((report.name, cell.prompt_id), ()),
                    lost="" if cell.clip_path is not None else cell.reason or "its clip is gone",
                )
            )
    return found


def prepare(
    store: Store,
    folder: Path,
    entries: Sequence[Entry],
    settings: Settings,
    rules: Rules,
    name: str,
    *,
    tick: Callable[[int, int], object] = lambda done, all_: None,
) -> Prepared:
    """Make the ballots of a study in ``folder`` and write them down; nothing is written down unless all of it is.

    ``tick`` is told how many of how many prompts are done. Raises StudyError for a name that is taken, for clips that make no pair, and
    where ``folder`` is there already: what others made is left alone; HeldError where another process is making it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLocks(folder.parent / "locks").hold(study_lock(name)):
        for left in folder.parent.glob(f"{folder.name}.*.part"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        return _prepare(store, folder, entries, settings, rules, name, tick)


def _prepare(
    store: Store,
    folder: Path,
    entries: Sequence[Entry],
    settings: Settings,
    rules: Rules,
    name: str,
    tick: Callable[[int, int], object],
) -> Prepared:
    with store.session() as session:
        _refuse_taken(session, name)
    groups: dict[tuple[str, int, str], list[Entry]] = defaultdict(list)
    for one in entries:
        groups[one.prompt, one.seed, one.text].append(one)
    together = {key: group for key, group in groups.items() if len({one.generator for one in group}) > 1}
    if not together:
        raise StudyError("no prompt has clips of two systems with the same seed: there is nothing to compare")
    if folder.exists():
        raise StudyError(_OTHERS.format(folder=folder))
    making = folder.with_name(f"{folder.name}.{secrets.token_hex(8)}.part")
    making.mkdir()
    maker = _Maker(making, settings)
    mine: Path | None = making
    try:
        for done, (_, group) in enumerate(sorted(together.items(), key=lambda item: item[0][:2]), 1):
            for profile in settings.profiles:
                maker.group(group, profile)
            tick(done, len(together))
        if not any(pair.kind == "pair" for pair in maker.pairs):
            reasons = "; ".join(dict.fromkeys(maker.refused.values())) or "sounding and silent clips are never put side by side"
            raise StudyError(f"no pair is left to show: {reasons}")
        for clip in maker.clips:
            clip.file_sha256 = file_sha256(making / clip.file)
        with defer_signals():  # the folder and the rows are there both or not at all
            with store.writing() as session:
                _refuse_taken(session, name)  # by another process, while this one made the clips
                study = StudyRow(
                    name=name,
                    created_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
                    settings=settings.model_dump(mode="json"),
                    rules=rules.model_dump(mode="json"),
                    key=secrets.token_bytes(32),
                )
                session.add(study)
                session.flush()
                for clip in maker.clips:
                    clip.study_id = study.id
                session.add_all(maker.clips)
                session.flush()
                for pair, (first, second) in zip(maker.pairs, maker.sides, strict=True):
                    pair.study_id, pair.first_id, pair.second_id = study.id, first.id, second.id
                session.add_all(maker.pairs)
                session.flush()
                try:
                    making.rename(folder)
                except OSError as error:
                    said = _OTHERS.format(folder=folder) if folder.exists() else f"{folder} cannot be written ({error.strerror})"
                    raise StudyError(said) from error
                mine = folder
            mine = None
    except BaseException:
        if mine is not None:
            shutil.rmtree(mine, ignore_errors=True)
        raise
    kinds = Counter(pair.kind for pair in maker.pairs)
    return Prepared(name, len(maker.clips), kinds["pair"], kinds["gold"], maker.refused, len(groups) - len(together), maker.unlike)


def _refuse_taken(session: Session, name: str) -> None:
    if session.scalar(select(StudyRow).where(StudyRow.name == name)) is not None:
        raise StudyError(f"there is a study called {name!r} already: choose another --name; a study is never changed")


class _Maker:
    """Makes the files and rows of one study after another group of clips of one prompt."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.rng = np.random.default_rng([settings.seed, 0xBA1107])
        self.clips: list[ClipRow] = []
        self.pairs: list[PairRow] = []
        self.sides: list[tuple[ClipRow, ClipRow]] = []
        self.refused: dict[str, str] = {}
        self.unlike = 0

    def group(self, entries: Sequence[Entry], profile: Profile) -> None:
        """The clips of one prompt and seed, all of one size in bytes, and their pairs."""
        facts = {}
        for one in entries:
            try:
                if one.lost:
                    raise StudyError(one.lost)
                fact = probe(one.file)
                if not fact.has_video or fact.fps <= 0:
                    raise StudyError("it has no moving picture")
            except SeedBenchError as error:
                self._refuse(one, profile, error)
            else:
                facts[one] = fact
        if len(facts) < 2:
            return
        canvas = canvas_of(list(facts.values()), width=self.settings.width, height=self.settings.height)
        shown: list[tuple[Entry, Presented, ClipRow]] = []
        files: list[Path] = []

        def present(one: Entry, source: Path, broken: str = "") -> tuple[Presented, ClipRow] | None:
            goal = self.folder / f"{secrets.token_hex(12)}.mp4"
            try:
                made = matched(source, goal, canvas) if profile == "matched" else native(source, goal)
            except SeedBenchError as error:
                self._refuse(one, profile, error)
                return None
            files.append(goal)
            style = {"loudness_lu": made.loudness, "fps": made.fps, "megapixels": made.width * made.height / 1e6}
            style |= {"duration_s": facts[one].duration_s}
            row = ClipRow(
                generator=one.generator,
                source_sha256=one.sha256,
                run=one.run,
                broken=broken,
                file=goal.name,
                duration_s=made.duration_s,
                style=style,
            )
            self.clips.append(row)
            return made, row

        for one in facts:
            found = present(one, one.file)
            if found is not None:
                shown.append((one, *found))
        for (one, made, row), (other, its, its_row) in combinations(shown, 2):
            if one.generator != other.generator and made.with_sound != its.with_sound:
                self.unlike += 1
            elif one.generator != other.generator:
                self._pair("pair", one, profile, made.with_sound, row, its_row)
        if shown:
            one, made, row = shown[int(self.rng.integers(len(shown)))]
            self._pair("same", one, profile, made.with_sound, row, row)
            self._gold(one, made, row, profile, present)
            pad(files)

    def _gold(
        self, one: Entry, made: Presented, row: ClipRow, profile: Profile, present: Callable[..., tuple[Presented, ClipRow] | None]
    ) -> None:
        """A clip against itself, broken."""
        ways = _GOLD_WITH_SOUND if made.with_sound else _GOLD_SILENT
        how = ways[int(self.rng.integers(len(ways)))]
        bad = self.folder / f"{secrets.token_hex(12)}.broken.mp4"
        try:
            broken = present(one, degrade_clip(one.file, bad, how), ",".join(f"{name}={amount:g}" for name, amount in how.items()))
        except SeedBenchError as error:
            self._refuse(one, profile, error)
            return
        finally:
            bad.unlink(missing_ok=True)
        if broken is not None:
            self._pair("gold", one, profile, made.with_sound, row, broken[1], expected="first")

    def _pair(
        self, kind: str, one: Entry, profile: Profile, with_sound: bool, first: ClipRow, second: ClipRow, expected: str | None = None
    ) -> None:
        self.pairs.append(
            PairRow(
                kind=kind,
                expected=expected,
                run=one.run,
                prompt=one.prompt,
                text=one.text,
                seed=one.seed,
                task=one.task,
                category=one.category,
                profile=profile,
                with_sound=with_sound,
                captions=[list(line) for line in one.captions],
            )
        )
        self.sides.append((first, second))

    def _refuse(self, one: Entry, profile: Profile, error: Exception) -> None:
        self.refused[f"{one.generator}, {one.prompt}, seed {one.seed}, {profile}"] = str(error)
