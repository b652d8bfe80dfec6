"""Pairs that were voted on, with the votes beside the metrics' scores; for visitors who may know who made the clips.

This module reads votes and scores and changes nothing. A visitor who is not an owner gets only pairs that they voted on themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from seedbench.arena.store import BattleRow, ClipRow, PairRow, UndoneRow, VoteRow, study_of
from seedbench.arena.study.export import rules_of, vote_id, votes_of
from seedbench.arena.votes.rules import apply_rules
from seedbench.errors import PluginError, UnknownNameError
from seedbench.plugins import registry
from seedbench.plugins.metric import Direction, Measure, MetricInfo
from seedbench.plugins.metric_records import stored_infos
from seedbench.report.wording import ARROWS, listed, unit_of, value_and_interval
from seedbench.results.intervals import Estimate, rate_interval
from seedbench.store import CellRow, ScoreRow, Store

_PREFERRED = {("left", True): "first", ("left", False): "second", ("right", True): "second", ("right", False): "first"}


@dataclass(frozen=True)
class JudgedPair:
    """A pair that was voted on.

    Attributes:
        pair: The id of the pair's row in the database.
        prompt: The id of its prompt.
        text: The text of the prompt.
        seed: The seed of both clips.
        task: The task of the prompt.
        profile: ``native`` or ``matched``.
        with_sound: Whether there is sound to judge.
        models: The systems that made the first and the second clip.
        files: The names of the clips in the study's folder.
        sources: The hashes of the original clips.
        tally: The number of votes that count, by ``first``, ``second``, ``tie`` and ``both_bad``.
        n_simulated: How many of these are those of simulated voters.
        n_left_out: The number of votes that do not count.
        runs: The runs that the clips came from; empty where that is not known.
    """

    pair: int
    prompt: str
    text: str
    seed: int
    task: str
    profile: str
    with_sound: bool
    models: tuple[str, str]
    files: tuple[str, str]
    sources: tuple[str, str]
    tally: Mapping[str, int]
    n_simulated: int = 0
    n_left_out: int = 0
    runs: tuple[str, str] = ("", "")

    @property
    def n_votes(self) -> int:
        """The votes on it that count."""
        return sum(self.tally.values())


@dataclass(frozen=True)
class MeasureOfPair:
    """The values of one measure on both clips of a pair.

    Attributes:
        name: The measure with its unit and direction.
        values: The values in words, or the reason why there is none.
        better: ``first`` or ``second``; None where the metric prefers neither.
    """

    name: str
    values: tuple[str, str]
    better: str | None


@dataclass(frozen=True)
class MeasureAgreement:
    """How often votes that prefer a clip prefer the one that a measure scores better.

    Attributes:
        name: The measure with its unit and direction.
        share: The share 0..1 with its interval, clustered by prompt; None where there is none.
        n_votes: The number of votes that it rests on.
        n_prompts: The number of their prompts.
        reason: Why ``share`` is None; empty otherwise.
    """

    name: str
    share: Estimate | None
    n_votes: int
    n_prompts: int
    reason: str = ""


@dataclass(frozen=True)
class CountingVotes:
    """Which votes count by a study's rules.

    Attributes:
        ids: The ids of these votes.
        until: The id of the last vote that was examined; empty without votes.
    """

    ids: frozenset[str]
    until: str


def counting_votes(store: Store, study: str) -> CountingVotes:
    """Which votes of a study count.

    This examines the whole log, so pages cache the result.

    Args:
        store: The database.
        study: The name of the study.

    Returns:
        The votes that count, and how far the log was examined.

    Raises:
        StudyError: There is no such study.
    """
    log = votes_of(store, study)
    return CountingVotes(
        frozenset(vote.id for vote in apply_rules(log, rules_of(store, study)).kept), max((vote.id for vote in log), default="")
    )


def judged_pairs(store: Store, study: str, counts: CountingVotes, *, voter: str | None = None) -> list[JudgedPair]:
    """The pairs that were voted on, without checks.

    Args:
        store: The database.
        study: The name of the study.
        counts: Which votes count.
        voter: The id of a voter, for the pairs that they voted on only. A pair whose vote can still be taken back is then left out.

    Returns:
        The pairs with their votes.

    Raises:
        StudyError: There is no such study.
    """
    with store.reading() as session:
        row = study_of(session, study)
        clips = {clip.id: clip for clip in session.scalars(select(ClipRow).where(ClipRow.study_id == row.id))}
        pairs = {pair.id: pair for pair in session.scalars(select(PairRow).where(PairRow.study_id == row.id, PairRow.kind == "pair"))}
        tallies: dict[int, dict[str, int]] = defaultdict(lambda: {"first": 0, "tie": 0, "second": 0, "both_bad": 0})
        simulated: Counter[int] = Counter()
        left_out: Counter[int] = Counter()
        for vote, battle in session.execute(_votes_and_battles().where(VoteRow.study_id == row.id, BattleRow.kind == "pair")):
            tally = tallies[battle.pair_id]
            if vote_id(vote.id) in counts.ids:
                tally[_PREFERRED.get((vote.choice, battle.first_left), vote.choice)] += 1
                simulated[battle.pair_id] += vote.origin == "simulated"
            elif vote_id(vote.id) <= counts.until:
                left_out[battle.pair_id] += 1
        mine = None if voter is None else _settled_pairs(session, voter)
        return [
            JudgedPair(
                pair.id,
                pair.prompt,
                pair.text,
                pair.seed,
                pair.task,
                pair.profile,
                pair.with_sound,
                (clips[pair.first_id].generator, clips[pair.second_id].generator),
                (clips[pair.first_id].file, clips[pair.second_id].file),
                (clips[pair.first_id].source_sha256, clips[pair.second_id].source_sha256),
                dict(tallies[pair.id]),
                simulated[pair.id],
                left_out[pair.id],
                (clips[pair.first_id].run, clips[pair.second_id].run),
            )
            for pair in pairs.values()
            if pair.id in tallies and (mine is None or pair.id in mine)
        ]


def _votes_and_battles() -> Select[VoteRow, BattleRow]:
    """Votes that were not taken back, each with its battle."""
    query = select(VoteRow, BattleRow).join(BattleRow, VoteRow.battle_id == BattleRow.id)
    return query.where(VoteRow.id.not_in(select(UndoneRow.vote_id)))


def _settled_pairs(session: Session, voter: str) -> set[int]:
    """The pairs that a voter voted on and cannot take back."""
    mine = list(session.scalars(select(BattleRow).where(BattleRow.voter_id == voter).order_by(BattleRow.opened_at, BattleRow.id)))
    voted = {battle.id for _, battle in session.execute(_votes_and_battles().where(VoteRow.voter_id == voter))}
    return {
        battle.pair_id
        for index, battle in enumerate(mine)
        if battle.id in voted and (index + 1 < len(mine) or battle.revealed_at is not None)
    }


def measures_of_pair(store: Store, pair: JudgedPair) -> list[MeasureOfPair]:
    """The values of the runs' measures on both clips of a pair.

    Args:
        store: The database.
        pair: The pair.

    Returns:
        The measures; none where neither clip has scores (see :func:`deleted_clips`).
    """
    first, second = (_scores(store, (source,)).get(source, {}) for source in pair.sources)
    deleted, kept = deleted_clips(store, [pair]), stored_infos(store)
    measures = []
    for key in sorted(first.keys() | second.keys()):
        scores = (first.get(key), second.get(key))
        measure = next((known for known in (_measure(score, kept) for score in scores) if known is not None), None)
        words = [_words(score, measure, deleted.get(source)) for score, source in zip(scores, pair.sources, strict=True)]
        measures.append(MeasureOfPair(_name(key[0], key[1], measure), (words[0], words[1]), _better(scores, measure)))
    return measures


def deleted_clips(store: Store, pairs: Sequence[JudgedPair]) -> dict[str, str]:
    """The clips of pairs whose run was deleted, and with it their scores.

    Args:
        store: The database.
        pairs: The pairs.

    Returns:
        The name of the run by the clip's hash; the name is empty where an old study does not know it.
    """
    came_from = {source: run for pair in pairs for source, run in zip(pair.sources, pair.runs, strict=True)}
    with store.session() as session:
        existing = set(session.scalars(select(CellRow.clip_sha256).where(CellRow.clip_sha256.in_(came_from))))
    return {source: run for source, run in came_from.items() if source not in existing}


def deleted_runs_sentence(deleted: Mapping[str, str]) -> str:
    """A sentence that names deleted runs.

    Args:
        deleted: The result of :func:`deleted_clips`.

    Returns:
        The sentence; empty where no run was deleted.

    >>> deleted_runs_sentence({"a1": "spring", "b2": "spring"})
    'The run spring was deleted; its metric scores went with it.'
    >>> deleted_runs_sentence({"a1": "spring", "b2": "autumn"})
    'The runs autumn and spring were deleted; their metric scores went with them.'
    >>> deleted_runs_sentence({"a1": ""})
    'A run that clips of this study came from was deleted; its metric scores went with it.'
    """
    names = sorted({run for run in deleted.values() if run})
    if not deleted:
        return ""
    if not names:
        return "A run that clips of this study came from was deleted; its metric scores went with it."
    if len(names) == 1:
        return f"The run {names[0]} was deleted; its metric scores went with it."
    return f"The runs {listed(names)} were deleted; their metric scores went with them."


def agreement_with_measures(store: Store, pairs: Sequence[JudgedPair]) -> list[MeasureAgreement]:
    """How often people who preferred one clip preferred the one that a measure scores better.

    Half would be chance. Pairs on which a measure gives both clips the same value, or no answer, do not count for it.

    Args:
        store: The database, which holds the scores.
        pairs: The pairs with their votes.

    Returns:
        The agreement with each measure that has a better direction.
    """
    scores = _scores(store, tuple({source for pair in pairs for source in pair.sources}))
    kept = stored_infos(store)
    agreements = []
    for key in sorted({key for by_measure in scores.values() for key in by_measure}):
        measure = _measure(next(by_measure[key] for by_measure in scores.values() if key in by_measure), kept)
        if measure is None or measure.direction == "none":
            continue
        agreed: list[float] = []
        prompts: list[str] = []
        for pair in pairs:
            better = _better((scores.get(pair.sources[0], {}).get(key), scores.get(pair.sources[1], {}).get(key)), measure)
            if better is None:
                continue
            other = "second" if better == "first" else "first"
            agreed += [1.0] * pair.tally[better] + [0.0] * pair.tally[other]
            prompts += [pair.prompt] * (pair.tally[better] + pair.tally[other])
        name, n = _name(key[0], key[1], measure), len(set(prompts))
        if n < 2:
            why = "no vote prefers a clip of a pair on which its values differ" if not n else "a share needs two prompts or more"
            agreements.append(MeasureAgreement(name, None, len(agreed), n, why))
        else:
            agreements.append(MeasureAgreement(name, rate_interval(agreed, prompts), len(agreed), n))
    return agreements


def _scores(store: Store, sources: Sequence[str]) -> dict[str, dict[tuple[str, str, int], ScoreRow]]:
    """Scores by clip, and by metric, measure and version of the metric (versions may differ in meaning); of several the newest."""
    scores: dict[str, dict[tuple[str, str, int], ScoreRow]] = defaultdict(dict)
    with store.reading() as session:
        cells = select(CellRow).where(CellRow.clip_sha256.in_(sources)).order_by(CellRow.id).options(selectinload(CellRow.scores))
        for cell in session.scalars(cells):
            for score in cell.scores:
                scores[str(cell.clip_sha256)][score.metric, score.measure, score.metric_version] = score
    return scores


def _measure(score: ScoreRow | None, kept: Mapping[tuple[str, int], MetricInfo]) -> Measure | None:
    """What the version of the metric that a score is of says of its measure, installed or ``kept`` by a run; None where that is unknown.

    The title of a measure of another version than the installed one states version and sign.
    """
    if score is None:
        return None
    version = score.metric_version
    try:
        installed = registry.load("metrics", score.metric).info
    except (PluginError, UnknownNameError):
        installed = None
    info = installed if installed is not None and installed.version == version else kept.get((score.metric, version))
    declared = next((measure for measure in info.measures if measure.name == score.measure), None) if info is not None else None
    if declared is None or installed is None or info is installed:
        return declared
    return replace(declared, title=f"{declared.title} in version {version}{f' ({declared.sign})' if declared.sign else ''}")


def _name(metric: str, name: str, measure: Measure | None) -> str:
    direction: Direction = "none" if measure is None else measure.direction
    unit = "" if measure is None or not unit_of(measure) else f", {unit_of(measure)}"
    return f"{metric}: {measure.title if measure is not None else name}{unit} {ARROWS[direction]}"


def _words(score: ScoreRow | None, measure: Measure | None, run: str | None) -> str:
    """A score in words; ``run`` is the deleted run that its clip came from, None where no run was deleted."""
    if score is None and run is not None:
        return f"deleted with the run {run}" if run else "deleted with its run"
    if score is None:
        return "not measured"
    if score.value is None:
        return f"no answer: {score.reason}"
    return f"{score.value:g}" if measure is None else value_and_interval(measure, score.value)[0]


def _better(scores: tuple[ScoreRow | None, ScoreRow | None], measure: Measure | None) -> str | None:
    first, second = (None if score is None else score.value for score in scores)
    if first is None or second is None or measure is None or measure.direction == "none":
        return None
    if measure.direction == "zero":
        first, second = -abs(first), -abs(second)
    if measure.direction == "down":
        first, second = -first, -second
    return None if first == second else "first" if first > second else "second"
