"""Signs that a voter does not vote as people do: flags to look into. A flag excludes no vote; only a rules file does.

For each voter every sign answers ``ok``, ``flagged`` or ``unchecked``. The last means that there is too little data, also where not even
the worst outcome could have been significant. Where a sign is a test, its p-values are corrected over voters (Holm; tests that could not
be significant are left out of the correction, after Tarone), so that in 19 of 20 studies a sign flags no honest voter.
The signs:

- ``too_fast``: most votes come as soon as a vote is possible.
- ``regular``: the time before a vote beyond the clip's length is the same again and again, more regular than people are.
- ``one_sided``: one side is chosen more often than by the others.
- ``gold``: fewer pairs with one degraded side are judged right than by the others.
- ``repeats``: fewer pairs seen again get the same verdict than those of the others.
- ``contrary``: by the ratings of all others, the votes are less likely than those of simulated voters.
- ``partisan``: one system wins or loses further from those ratings than honest taste explains: what rigged voting looks like.
- ``one_answer``: always the same answer.

Voters are compared with the others twice: the second time, voters whom the first comparison flagged are not among the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from seedbench.arena.ratings.against_others import LEAST_OTHERS, LEAST_VOTES, VoterComparison, against_others
from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE, Votes
from seedbench.arena.ratings.exact import at_most, can_be_significant, fisher
from seedbench.arena.votes.log import Vote, in_order, least_judging_s
from seedbench.results.differences import holm

Sign = Literal["too_fast", "regular", "one_sided", "gold", "repeats", "contrary", "partisan", "one_answer"]
Answer = Literal["ok", "flagged", "unchecked"]
SIGNS: tuple[Sign, ...] = get_args(Sign)
_SWAPPED = {"left": "right", "right": "left"}
_HITS: dict[Sign, str] = {
    "one_sided": "decided votes went to the left",
    "gold": "gold pairs were judged right",
    "repeats": "repeats got the same verdict",
}
_OUTCOME = {"left": LEFT, "right": RIGHT, "tie": TIE}


@dataclass(frozen=True)
class Bounds:
    """The limits beyond which a sign is flagged.

    Time is counted in what judging takes at the least (:func:`seedbench.arena.votes.log.least_judging_s`).

    Attributes:
        level: The level of the tests, corrected for their number.
        votes: Signs that are no tests need so many votes.
        least_lengths: In less than so many least times no vote is possible.
        fast_lengths: A vote in less than so many least times is fast.
        fast_share: More than this share 0..1 of fast votes is too many.
        regular: The middle half of the free time, over its median: people who try to keep an interval are off by about a tenth.
        one_answer: The share 0..1 of the commonest answer.
    """

    level: float = 0.05
    votes: int = 20
    least_lengths: float = 1.0
    fast_lengths: float = 1.15
    fast_share: float = 0.75
    regular: float = 0.1
    one_answer: float = 0.95


@dataclass(frozen=True)
class Finding:
    """The answer of one sign for one voter.

    Attributes:
        voter: The id of the voter.
        sign: The sign.
        answer: The answer.
        figure: What the sign measures (a share; wins beyond expectation for ``partisan``); None where unchecked.
        n: The number of votes that it is measured on.
        sentence: The finding in words.
        p: The p-value of a test; None for a sign that is no test.
        p_holm: The same, corrected over voters.
    """

    voter: str
    sign: Sign
    answer: Answer
    figure: float | None
    n: int
    sentence: str
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class _Tested:
    """A finding before it is corrected; ``least`` is the smallest p that it could have had, 0 for as small as one likes."""

    finding: Finding
    least: float = 0.0


def anomalies(votes: Sequence[Vote], bounds: Bounds = Bounds(), *, seed: int = 0) -> tuple[Finding, ...]:
    """Look for signs that voters do not vote as people do.

    Where most voters are bots, the honest ones differ from the others.

    Args:
        votes: All votes of a log, also those that a rules file excludes. Votes of unknown voters are left out.
        bounds: The limits beyond which a sign is flagged.
        seed: The seed of the simulated voters; the same votes and seed give the same findings.

    Returns:
        A finding for every voter and sign: voters in the order of their first vote, signs in that of :data:`SIGNS`.
    """
    by_voter: dict[str, list[Vote]] = defaultdict(list)
    for vote in in_order(votes):
        if vote.voter is not None:
            by_voter[vote.voter].append(vote)
    first = _signs(by_voter, set(by_voter), bounds, seed)
    trusted = set(by_voter) - {finding.voter for finding in first if finding.answer == "flagged"}
    again = len(by_voter) / 2 <= len(trusted) < len(by_voter)  # where most are flagged, the others say nothing about anybody
    return tuple(_signs(by_voter, trusted, bounds, seed) if again else first)


def _signs(by_voter: Mapping[str, Sequence[Vote]], trusted: Set[str], bounds: Bounds, seed: int) -> list[Finding]:
    """All findings, the others being those of ``trusted``."""
    alone = [sign(voter, votes, bounds) for sign in (_too_fast, _regular, _one_answer) for voter, votes in by_voter.items()]
    sides = _counted("one_sided", by_voter, trusted, _left)
    gold = _counted("gold", by_voter, trusted, _right_on_gold)
    repeats = _counted("repeats", by_voter, trusted, _alike_on_repeats)
    contrary, partisan = _against(by_voter, trusted, bounds, seed)
    findings = alone + [finding for tests in (sides, gold, repeats, contrary, partisan) for finding in _corrected(tests, bounds)]
    position = {voter: number for number, voter in enumerate(by_voter)}
    return sorted(findings, key=lambda finding: (position[finding.voter], SIGNS.index(finding.sign)))


def flagged(findings: Sequence[Finding]) -> dict[str, tuple[Finding, ...]]:
    """The voters with any flag, those with the most flags first.

    Args:
        findings: The findings of :func:`anomalies`.

    Returns:
        The flags of each of these voters.
    """
    by_voter: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.answer == "flagged":
            by_voter[finding.voter].append(finding)
    return {voter: tuple(flags) for voter, flags in sorted(by_voter.items(), key=lambda item: -len(item[1]))}


def _unchecked(voter: str, sign: Sign, n: int, why: str) -> Finding:
    return Finding(voter, sign, "unchecked", None, n, f"could not be checked: {why}")


def _timed(votes: Sequence[Vote]) -> np.ndarray:
    """Seconds (n, 2) from showing to voting, and those that judging takes at the least, of the votes that have both."""
    rows = [
        (vote.dwell_s, least_judging_s(vote.shorter_s, (vote.heard_left, vote.heard_right), with_sound=vote.with_sound))
        for vote in votes
        if vote.dwell_s is not None and vote.shorter_s
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


def _too_fast(voter: str, votes: Sequence[Vote], bounds: Bounds) -> Finding:
    times = _timed(votes)
    if len(times) < bounds.votes:
        return _unchecked(voter, "too_fast", len(times), f"{len(times)} votes have times, {bounds.votes} are needed")
    lengths = times[:, 0] / times[:, 1]
    share = float((lengths < bounds.fast_lengths).mean())
    return Finding(
        voter,
        "too_fast",
        "flagged" if share >= bounds.fast_share else "ok",
        share,
        len(times),
        f"{100 * share:.0f}% of {len(times)} votes came within {bounds.fast_lengths:g} times what playing both takes "
        f"(at the middle {np.median(lengths):.2f}; {bounds.least_lengths:g} is the least possible)",
    )


def _regular(voter: str, votes: Sequence[Vote], bounds: Bounds) -> Finding:
    times = _timed(votes)
    if len(times) < bounds.votes:
        return _unchecked(voter, "regular", len(times), f"{len(times)} votes have times, {bounds.votes} are needed")
    dwell, shorter = times.T
    # A machine may wait for so many seconds, for so many after the clip, or for so many lengths of it.
    forms = (dwell, dwell - bounds.least_lengths * shorter, dwell / shorter * float(np.median(shorter)))
    spread = min(float(np.subtract(*np.quantile(form, [0.75, 0.25]))) for form in forms)
    free = float(np.median(forms[1]))
    middle = free if free > 0 else float(np.median(dwell))
    figure = spread / middle if middle > 0 else 0.0
    return Finding(
        voter,
        "regular",
        "flagged" if figure < bounds.regular else "ok",
        figure,
        len(times),
        f"the middle half of {len(times)} waits lies within {spread:.2f} s, {100 * figure:.0f}% of the {middle:.1f} s that were free",
    )


def _one_answer(voter: str, votes: Sequence[Vote], bounds: Bounds) -> Finding:
    if len(votes) < bounds.votes:
        return _unchecked(voter, "one_answer", len(votes), f"{len(votes)} votes, {bounds.votes} are needed")
    answer, count = Counter(vote.choice for vote in votes).most_common(1)[0]
    share = count / len(votes)
    sentence = f"{count} of {len(votes)} votes say {answer.replace('_', ' ')}"
    return Finding(voter, "one_answer", "flagged" if share >= bounds.one_answer else "ok", share, len(votes), sentence)


def _left(votes: Sequence[Vote]) -> list[bool]:
    return [vote.choice == "left" for vote in votes if vote.kind in ("pair", "same") and vote.choice in _SWAPPED]


def _right_on_gold(votes: Sequence[Vote]) -> list[bool]:
    return [vote.choice == vote.expected for vote in votes if vote.kind == "gold" and vote.expected is not None]


def _alike_on_repeats(votes: Sequence[Vote]) -> list[bool]:
    first = {vote.battle: vote.choice for vote in votes}
    again = [vote for vote in votes if vote.kind == "repeat" and vote.repeats in first]
    return [_SWAPPED.get(vote.choice, vote.choice) == first[str(vote.repeats)] for vote in again]


def _by_chance(votes: Sequence[Vote]) -> float:
    """How often a pair and its repeat get the same verdict from somebody who answers at random, in this voter's proportions."""
    pairs = [vote.choice for vote in votes if vote.kind == "pair"]
    share: dict[str, float] = {answer: count / len(pairs) for answer, count in Counter(pairs).items()}
    return sum(part * share.get(_SWAPPED.get(answer, answer), 0.0) for answer, part in share.items())


def _counted(
    sign: Sign, by_voter: Mapping[str, Sequence[Vote]], trusted: Set[str], hits_of: Callable[[Sequence[Vote]], list[bool]]
) -> list[_Tested]:
    """A sign that counts hits: each voter's share compared with that of the others, by Fisher's exact test."""
    hits = {voter: hits_of(votes) for voter, votes in by_voter.items()}
    all_hits, all_n = (sum(count(own) for voter, own in hits.items() if voter in trusted) for count in (sum, len))
    tested: list[_Tested] = []
    for voter, own in hits.items():
        n, others_n = len(own), all_n - len(own) * (voter in trusted)
        if not n or not others_n:
            tested.append(_Tested(_unchecked(voter, sign, n, f"no vote of {'the others' if n else 'this voter'} is of this kind")))
            continue
        others = all_hits - sum(own) * (voter in trusted)
        exact = fisher(sum(own), n, others, others_n, tail="two_sided" if sign == "one_sided" else "fewer")
        sentence = f"{sum(own)} of {n} {_HITS[sign]}, {100 * others / others_n:.0f}% of {others_n} of the others"
        sentence += f"; {100 * _by_chance(by_voter[voter]):.0f}% would be by chance" if sign == "repeats" else ""
        tested.append(_Tested(Finding(voter, sign, "ok", sum(own) / n, n, sentence, p=exact.p), exact.least))
    return tested


def _corrected(tested: Sequence[_Tested], bounds: Bounds) -> list[Finding]:
    """The findings of one sign over voters; a test that no outcome could have made significant becomes unchecked."""
    with_p = [test for test in tested if test.finding.p is not None]
    can = can_be_significant([test.least for test in with_p], level=bounds.level)
    adjusted = holm([test.finding.p if possible else None for test, possible in zip(with_p, can, strict=True)])
    findings = [test.finding for test in tested if test.finding.p is None]
    for finding, p_holm in zip((test.finding for test in with_p), adjusted, strict=True):
        if p_holm is not None:
            findings.append(replace(finding, p_holm=p_holm, answer="flagged" if at_most(p_holm, bounds.level) else "ok"))
        else:
            few = f"too few to differ from chance among {len(with_p)} voters ({finding.sentence})"
            findings.append(replace(_unchecked(finding.voter, finding.sign, finding.n, few), p=finding.p))
    return findings


def _against(by_voter: Mapping[str, Sequence[Vote]], trusted: Set[str], bounds: Bounds, seed: int) -> tuple[list[_Tested], list[_Tested]]:
    """The signs ``contrary`` and ``partisan``, from votes on pairs only, which are rated by profile and sound as on boards."""
    position = {voter: number for number, voter in enumerate(by_voter)}
    pairs = [(voter, vote) for voter, own in by_voter.items() for vote in own if vote.kind == "pair" and vote.choice in _OUTCOME]
    rated = sorted({(name, vote.profile, vote.with_sound) for _, vote in pairs for name in (vote.left, vote.right)})
    index_of = {model: index for index, model in enumerate(rated)}
    systems = sorted({name for name, _, _ in rated})
    rows = [
        (*(index_of[name, vote.profile, vote.with_sound] for name in (vote.left, vote.right)), _OUTCOME[vote.choice], position[voter])
        for voter, vote in pairs
    ]
    left, right, outcome, voters = np.array(rows, np.int64).reshape(-1, 4).T
    comparisons = against_others(
        Votes(len(rated), left, right, outcome, np.zeros(len(rows), np.int64), voters),
        np.array([systems.index(name) for name, _, _ in rated], np.int64),
        np.array([voter in trusted for voter in by_voter], bool),
        level=bounds.level,
        seed=seed,
    )
    contrary, partisan = [], []
    few = f"fewer than {LEAST_VOTES} decided votes on pairs that others rate, or no more than {LEAST_OTHERS} others"
    for voter, compared in zip(by_voter, comparisons.voters, strict=True):
        if compared is None:
            contrary.append(_Tested(_unchecked(voter, "contrary", 0, few)))
            partisan.append(_Tested(_unchecked(voter, "partisan", 0, few)))
        else:
            contrary.append(_Tested(_contrary(voter, compared), comparisons.least))
            partisan.append(
                _Tested(
                    _partisan(voter, compared, systems[compared.system], comparisons.taste_elo),
                    min(1.0, 2 * len(systems) * comparisons.least),
                )
            )
    return contrary, partisan


def _contrary(voter: str, compared: VoterComparison) -> Finding:
    sentence = (
        f"{compared.likelier} of {compared.n} decided votes went to the side that others' ratings favour, "
        f"{compared.likelier_expected:.0f} expected"
    )
    return Finding(voter, "contrary", "ok", compared.likelier / compared.n, compared.n, sentence, p=compared.p_contrary)


def _partisan(voter: str, compared: VoterComparison, system: str, taste_elo: float) -> Finding:
    sentence = (
        f"{system} won {compared.won} of {compared.n_system} decided votes, {compared.won_expected:.1f} expected by the others' ratings "
        f"(honest tastes differ by {taste_elo:.0f} points)"
    )
    return Finding(voter, "partisan", "ok", compared.won - compared.won_expected, compared.n_system, sentence, p=compared.p_partisan)
