"""The files and database rows of a study, made for one group of clips after another."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from seedbench.arena.blinding.matched import BlindClip, MatchedCanvas, canvas_of, matched, native
from seedbench.arena.blinding.remux import pad_to_one_size
from seedbench.arena.settings import Settings, StudyError
from seedbench.arena.store import ClipRow, PairRow
from seedbench.arena.study.entries import Entry
from seedbench.arena.votes.log import Profile
from seedbench.clips.degradations import degrade_clip
from seedbench.clips.probing import ProbeFacts, probe
from seedbench.errors import SeedBenchError

#: How one side of a gold pair is degraded, so that a careful voter cannot miss it. Sound can be degraded only where there is some.
_GOLD_WITH_SOUND = ({"delay-sound": 1000.0}, {"drop-sound": 0.999}, {"blur": 8.0})
_GOLD_SILENT = ({"blur": 8.0}, {"freeze": 0.3})


@dataclass(frozen=True)
class _ReadyClip:
    """A clip of an entry that is ready to be shown, and its row."""

    entry: Entry
    blind: BlindClip
    row: ClipRow


class BlindFiles:
    """Makes the clips of a study in ``folder``, and collects the rows of ``clips`` and ``pairs``.

    ``sides`` holds the first and second clip of each pair, ``refused`` the reason for each clip that cannot be shown blind, and
    ``n_sound_mismatch`` counts the pairs left out because one clip has sound and the other has none.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.clips: list[ClipRow] = []
        self.pairs: list[PairRow] = []
        self.sides: list[tuple[ClipRow, ClipRow]] = []
        self.refused: dict[str, str] = {}
        self.n_sound_mismatch = 0
        self._rng = np.random.default_rng([settings.seed, 0xBA1107])
        self._files: list[Path] = []  # of the group that is being made

    def add_group(self, entries: Sequence[Entry], profile: Profile) -> None:
        """Add the clips of one prompt and seed, all files of one size, and their pairs.

        Args:
            entries: The clips to compare.
            profile: ``native`` or ``matched``.
        """
        facts = self._facts(entries, profile)
        if len(facts) < 2:
            return
        canvas = canvas_of(list(facts.values()), width=self.settings.width, height=self.settings.height)
        self._files = []
        prepared = [self._blind(entry, entry.file, profile, canvas, facts[entry]) for entry in facts]
        ready = [clip for clip in prepared if clip is not None]
        for first, second in combinations(ready, 2):
            if first.entry.generator == second.entry.generator:
                continue
            if first.blind.with_sound == second.blind.with_sound:
                self._pair("pair", profile, first, second)
            else:
                self.n_sound_mismatch += 1
        if ready:
            clip = ready[int(self._rng.integers(len(ready)))]
            self._pair("same", profile, clip, clip)
            self._gold(clip, profile, canvas, facts[clip.entry])
            pad_to_one_size(self._files)

    def _facts(self, entries: Sequence[Entry], profile: Profile) -> dict[Entry, ProbeFacts]:
        """What the entries' files are, without those that cannot be used, which are refused."""
        facts = {}
        for entry in entries:
            try:
                if entry.lost:
                    raise StudyError(entry.lost)
                probed = probe(entry.file)
                if not probed.has_video or probed.fps <= 0:
                    raise StudyError("it has no moving picture")
            except SeedBenchError as error:
                self._refuse(entry, profile, error)
            else:
                facts[entry] = probed
        return facts

    def _blind(
        self, entry: Entry, source: Path, profile: Profile, canvas: MatchedCanvas, facts: ProbeFacts, *, degraded: str = ""
    ) -> _ReadyClip | None:
        """A file of ``source`` that does not show its maker; None, and a refusal, where that is impossible."""
        goal = self.folder / f"{secrets.token_hex(12)}.mp4"
        try:
            blind = matched(source, goal, canvas) if profile == "matched" else native(source, goal)
        except SeedBenchError as error:
            self._refuse(entry, profile, error)
            return None
        self._files.append(goal)
        style = {"loudness_lu": blind.loudness, "fps": blind.fps, "megapixels": blind.width * blind.height / 1e6}
        row = ClipRow(
            generator=entry.generator,
            source_sha256=entry.sha256,
            run=entry.run,
            broken=degraded,
            file=goal.name,
            duration_s=blind.duration_s,
            style={**style, "duration_s": facts.duration_s},
        )
        self.clips.append(row)
        return _ReadyClip(entry, blind, row)

    def _gold(self, clip: _ReadyClip, profile: Profile, canvas: MatchedCanvas, facts: ProbeFacts) -> None:
        """Add a gold pair: a clip and a degraded version of it."""
        choices = _GOLD_WITH_SOUND if clip.blind.with_sound else _GOLD_SILENT
        degradations = choices[int(self._rng.integers(len(choices)))]
        description = ",".join(f"{name}={amount:g}" for name, amount in degradations.items())
        degraded_file = self.folder / f"{secrets.token_hex(12)}.degraded.mp4"
        try:
            source = degrade_clip(clip.entry.file, degraded_file, degradations)
            degraded = self._blind(clip.entry, source, profile, canvas, facts, degraded=description)
        except SeedBenchError as error:
            self._refuse(clip.entry, profile, error)
            return
        finally:
            degraded_file.unlink(missing_ok=True)
        if degraded is not None:
            self._pair("gold", profile, clip, degraded, expected="first")

    def _pair(self, kind: str, profile: Profile, first: _ReadyClip, second: _ReadyClip, *, expected: str | None = None) -> None:
        entry = first.entry
        self.pairs.append(
            PairRow(
                kind=kind,
                expected=expected,
                run=entry.run,
                prompt=entry.prompt,
                text=entry.text,
                seed=entry.seed,
                task=entry.task,
                category=entry.category,
                profile=profile,
                with_sound=first.blind.with_sound,
                captions=[list(line) for line in entry.captions],
            )
        )
        self.sides.append((first.row, second.row))

    def _refuse(self, entry: Entry, profile: Profile, error: Exception) -> None:
        self.refused[f"{entry.generator}, {entry.prompt}, seed {entry.seed}, {profile}"] = str(error)
