"""Ballots: every two systems' clips of one prompt and seed, as files that can be shown blind and as rows of the database."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.arena.settings import Settings, StudyError, study_lock
from seedbench.arena.store import StudyRow
from seedbench.arena.study.blind_files import BlindFiles
from seedbench.arena.study.entries import Entry
from seedbench.arena.votes.rules import Rules
from seedbench.files.hashing import file_sha256
from seedbench.files.locks import FileLocks
from seedbench.processes.stopping import defer_signals
from seedbench.store import Store

_FOLDER_EXISTS = "{folder} exists already, and the database knows no study of it: choose another --name, or remove the folder"


@dataclass(frozen=True)
class PreparedStudy:
    """What became of the clips of runs.

    Attributes:
        study: The name of the study.
        n_clips: The number of its clips.
        n_pairs: The number of its pairs, without checks.
        n_gold: The number of its gold pairs.
        refused: For each refused clip the reason.
        n_single: The number of prompts and seeds with clips of one system only.
        n_sound_mismatch: The number of pairs left out because one clip has sound and the other has none.
    """

    study: str
    n_clips: int
    n_pairs: int
    n_gold: int
    refused: dict[str, str]
    n_single: int
    n_sound_mismatch: int


def prepare(
    store: Store,
    folder: Path,
    entries: Sequence[Entry],
    settings: Settings,
    rules: Rules,
    name: str,
    *,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> PreparedStudy:
    """Prepare a study: make its clips in ``folder`` and write its ballots to the database. Either both are complete or neither exists.

    Args:
        store: The database.
        folder: A folder that does not exist; it is never taken over from anybody else.
        entries: The clips that take part. Pairs are made of clips of one prompt, text and seed by different generators.
        settings: The settings of the study, which never change afterwards.
        rules: The rules of the study, which never change afterwards.
        name: The name of the study.
        on_progress: Called after each prompt with the number of finished prompts and of all prompts.

    Raises:
        StudyError: The name or the folder is taken, or no pair can be made.
        HeldError: Another process is preparing this study.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLocks(folder.parent / "locks").hold(study_lock(name)):
        for unfinished in folder.parent.glob(f"{folder.name}.*.part"):  # of a process that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        with store.session() as session:
            _refuse_taken_name(session, name)
        groups = _groups(entries)
        comparable = {key: group for key, group in groups.items() if len({entry.generator for entry in group}) > 1}
        if not comparable:
            raise StudyError("no prompt has clips of two systems with the same seed: there is nothing to compare")
        if folder.exists():
            raise StudyError(_FOLDER_EXISTS.format(folder=folder))
        part = folder.with_name(f"{folder.name}.{secrets.token_hex(8)}.part")
        part.mkdir()
        unfinished_folders = [part]
        try:
            files = BlindFiles(part, settings)
            for done, key in enumerate(sorted(comparable, key=lambda key: key[:2]), 1):
                for profile in settings.profiles:
                    files.add_group(comparable[key], profile)
                on_progress(done, len(comparable))
            _refuse_no_pairs(files)
            for clip in files.clips:
                clip.file_sha256 = file_sha256(part / clip.file)
            with defer_signals():  # the folder and the rows exist both or not at all
                with store.writing() as session:
                    _add_study(session, files, settings, rules, name)
                    _rename(part, folder)
                    unfinished_folders = [folder]
                unfinished_folders = []
        except BaseException:
            for unfinished in unfinished_folders:
                shutil.rmtree(unfinished, ignore_errors=True)
            raise
    kinds = Counter(pair.kind for pair in files.pairs)
    n_single = len(groups) - len(comparable)
    return PreparedStudy(name, len(files.clips), kinds["pair"], kinds["gold"], files.refused, n_single, files.n_sound_mismatch)


def _groups(entries: Sequence[Entry]) -> dict[tuple[str, int, str], list[Entry]]:
    """The entries by prompt, seed and text."""
    groups: dict[tuple[str, int, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.prompt, entry.seed, entry.text].append(entry)
    return groups


def _refuse_taken_name(session: Session, name: str) -> None:
    if session.scalar(select(StudyRow).where(StudyRow.name == name)) is not None:
        raise StudyError(f"a study called {name!r} exists already: choose another --name; a study never changes")


def _refuse_no_pairs(files: BlindFiles) -> None:
    if not any(pair.kind == "pair" for pair in files.pairs):
        reasons = "; ".join(dict.fromkeys(files.refused.values())) or "clips with sound and clips without are never compared"
        raise StudyError(f"no pair is left to show: {reasons}")


def _add_study(session: Session, files: BlindFiles, settings: Settings, rules: Rules, name: str) -> None:
    """Write the study, its clips and its pairs."""
    _refuse_taken_name(session, name)  # another process may have prepared it while this one made the clips
    study = StudyRow(
        name=name,
        created_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        settings=settings.model_dump(mode="json"),
        rules=rules.model_dump(mode="json"),
        key=secrets.token_bytes(32),
    )
    session.add(study)
    session.flush()
    for clip in files.clips:
        clip.study_id = study.id
    session.add_all(files.clips)
    session.flush()
    for pair, (first, second) in zip(files.pairs, files.sides, strict=True):
        pair.study_id, pair.first_id, pair.second_id = study.id, first.id, second.id
    session.add_all(files.pairs)
    session.flush()


def _rename(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError as error:
        message = _FOLDER_EXISTS.format(folder=folder) if folder.exists() else f"{folder} cannot be written ({error.strerror})"
        raise StudyError(message) from error
