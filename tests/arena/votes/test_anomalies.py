"""Flags find those who do not vote as people do at counts a study has, and leave honest voters alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from seedbench.arena.votes.anomalies import SIGNS, Finding, anomalies, flagged
from seedbench.arena.votes.log import Vote

Make = Callable[..., Vote]
START = datetime(2026, 1, 1, tzinfo=UTC)
STRENGTHS = np.array([0.9, 0.55, 0.2, -0.2, -0.55, -0.9])
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
CHOICES = ("left", "tie", "both_bad", "right")


class SimulatedStudy:
    """Voters who judge clips of six systems, better or worse than their system by 0.6 logits, with tastes of 0.4 logits, a habit of calling
    ties, and a pace of their own. Of what a voter sees 7% are gold pairs (92% judged right), 3% one clip twice, 5% repeats."""

    def __init__(self, seed: int, *, n_prompts: int = 60, side: float = 0.1) -> None:
        self.rng = np.random.default_rng(seed)
        self.clips = STRENGTHS[:, None] + 0.6 * self.rng.standard_normal((6, n_prompts))
        self.side = side
        self.votes: list[Vote] = []

    def add(self, voter: str, n: int, *, how: str = "honest", favourite: str = "zeta") -> None:
        """One voter's ``n`` votes, cast ``how``."""
        rng = self.rng
        tastes, ties, pace = 0.4 * rng.standard_normal(6), -1.2 + 0.5 * rng.standard_normal(), 2.2 * np.exp(0.2 * rng.standard_normal())
        mine: list[dict[str, Any]] = []
        for number in range(n):
            kind = str(rng.choice(["pair", "gold", "same", "repeat"], p=[0.85, 0.07, 0.03, 0.05]))
            kind = "pair" if kind == "repeat" and not mine else kind
            prompt, (left, right) = int(rng.integers(self.clips.shape[1])), rng.choice(6, 2, replace=False)
            given: dict[str, Any] = {"kind": kind, "battle": f"{voter}-{number}"}
            if kind == "repeat":
                old = mine[int(rng.integers(len(mine)))]
                prompt, left, right = old["at"][0], old["at"][2], old["at"][1]
                given["repeats"] = old["battle"]
            s = self.clips[left, prompt] - self.clips[right, prompt] + tastes[left] - tastes[right] + self.side
            if kind == "gold":
                right = left
                given["expected"] = str(rng.choice(["left", "right"]))
            if kind == "same":
                right, s = left, self.side
            choice = self._choice(how, s, ties, (NAMES[left], NAMES[right]), favourite, given)
            shorter = float(rng.choice([4.0, 5.0, 8.0]))
            waited = (
                shorter * (1 + 0.03 * rng.random())
                if how == "fast"
                else max(shorter + 0.5 * rng.random(), shorter * pace * np.exp(0.3 * rng.standard_normal()))
            )
            mine.append({"at": (prompt, left, right), "battle": given["battle"]}) if kind == "pair" else None
            self.votes.append(
                Vote(
                    id=f"v{len(self.votes):06d}",
                    at=START + timedelta(seconds=len(self.votes)),
                    prompt=f"p{prompt}",
                    left=NAMES[left],
                    right=NAMES[right],
                    choice=choice,  # type: ignore[arg-type]
                    voter=voter,
                    dwell_s=8.0 + 0.05 * rng.random() if how == "clockwork" else waited,
                    shorter_s=shorter,
                    **given,
                )
            )

    def _choice(self, how: str, s: float, ties: float, pair: tuple[str, str], favourite: str, given: Mapping[str, Any]) -> str:
        rng = self.rng
        if how == "random":
            return str(rng.choice(CHOICES))
        if how == "left":
            return "left"
        if how == "contrary":
            s = -s
        if how == "rigger" and favourite in pair and given["kind"] in ("pair", "repeat"):
            return "left" if pair[0] == favourite else "right"
        if given["kind"] == "gold":
            return str(given["expected"] if rng.random() < (0.08 if how == "contrary" else 0.92) else "tie")
        weights = np.exp([s / 2, ties + (1.5 if given["kind"] == "same" else 0.0), -2.0, -s / 2])
        return CHOICES[int((rng.random() > np.cumsum(weights / weights.sum())).sum())]


def findings_by_voter(study: SimulatedStudy) -> dict[tuple[str, str], Finding]:
    return {(finding.voter, finding.sign): finding for finding in anomalies(study.votes)}


@pytest.mark.slow
def test_a_thousand_honest_voters_raise_hardly_a_flag() -> None:
    """Each test flags anybody in one study of twenty, whatever their number; the signs that are no tests flag nobody here."""
    study = SimulatedStudy(1000, n_prompts=120)
    for number in range(1000):
        study.add(f"h{number}", 60)
    signs = [finding.sign for finding in anomalies(study.votes) if finding.answer == "flagged"]
    assert len(signs) <= 1


@pytest.mark.slow
def test_of_many_honest_studies_few_raise_a_flag() -> None:
    """40 studies of 30 voters: 5% of them are two."""
    studies = dict.fromkeys(SIGNS, 0)
    for seed in range(40):
        study = SimulatedStudy(seed)
        for number in range(30):
            study.add(f"h{number}", int(study.rng.integers(40, 101)))
        for sign in {finding.sign for finding in anomalies(study.votes) if finding.answer == "flagged"}:
            studies[sign] += 1
    assert max(studies.values()) <= 4
    assert sum(studies.values()) <= 0.06 * 40 * len(SIGNS)


@pytest.fixture(scope="module")
def honest() -> SimulatedStudy:
    study = SimulatedStudy(5)
    for number in range(40):
        study.add(f"h{number}", int(study.rng.integers(40, 101)))
    return study


@pytest.mark.parametrize(
    ("how", "n", "signs"),
    [
        ("rigger", 60, {"partisan"}),
        ("left", 60, {"one_sided", "one_answer"}),
        ("fast", 60, {"too_fast"}),
        ("clockwork", 60, {"regular"}),
        ("contrary", 100, {"gold"}),
    ],
)
def test_a_bot_among_forty_honest_voters_is_flagged_for_what_it_does(honest: SimulatedStudy, how: str, n: int, signs: set[str]) -> None:
    study = SimulatedStudy(6)
    study.clips, study.votes = honest.clips, list(honest.votes)
    study.add("bot", n, how=how)
    caught = flagged(anomalies(study.votes))
    assert signs <= {finding.sign for finding in caught.pop("bot")}
    assert not caught


def test_a_rigger_is_flagged_with_the_system_it_votes_for(honest: SimulatedStudy) -> None:
    study = SimulatedStudy(7)
    study.clips, study.votes = honest.clips, list(honest.votes)
    study.add("bot", 60, how="rigger")
    finding = findings_by_voter(study)["bot", "partisan"]
    assert finding.sentence.startswith("zeta won")
    assert finding.figure is not None
    assert finding.figure > 8
    assert finding.p_holm is not None
    assert finding.p_holm < 0.01


@pytest.mark.slow
def test_most_random_clickers_are_flagged_with_a_hundred_votes() -> None:
    """One in each of 20 studies of 40 honest voters. But for gold pairs, who clicks at random is like somebody who sees no difference."""
    caught = honest_flags = 0
    for seed in range(20):
        study = SimulatedStudy(seed)
        for number in range(40):
            study.add(f"h{number}", int(study.rng.integers(40, 101)))
        study.add("bot", 100, how="random")
        flags = flagged(anomalies(study.votes))
        caught += "bot" in flags
        honest_flags += len(flags) - ("bot" in flags)
    assert caught >= 12
    assert honest_flags <= 6


def test_several_riggers_do_not_hide_each_other(honest: SimulatedStudy) -> None:
    study = SimulatedStudy(8)
    study.clips, study.votes = honest.clips, list(honest.votes)
    for number in range(6):
        study.add(f"rigger{number}", 80, how="rigger")
    partisans = {voter for voter, flags in flagged(anomalies(study.votes)).items() if "partisan" in {finding.sign for finding in flags}}
    assert partisans == {f"rigger{number}" for number in range(6)}


def test_bots_that_are_flagged_for_one_thing_do_not_hide_others_in_another(vote: Make) -> None:
    """Twelve who always say left are right on half of all gold pairs: among them, five of ten would be nothing."""
    votes: list[Vote] = []
    for voter in range(33):
        name = f"left{voter}" if voter < 12 else "careless" if voter == 12 else f"honest{voter}"
        for number in range(40):
            gold = {"kind": "gold", "expected": ("left", "right")[number // 4 % 2]} if number % 4 == 0 else {}
            choice = gold.get("expected", ("left", "right", "tie")[number % 3])
            choice = "left" if voter < 12 else "tie" if voter == 12 and gold and number % 8 else choice
            votes.append(vote(100 * voter + number, voter=name, choice=choice, dwell_s=8.0 + number % 7, **gold))
    caught = flagged(anomalies(votes))
    assert caught.keys() == {"careless"} | {f"left{voter}" for voter in range(12)}
    assert [finding.sign for finding in caught["careless"]] == ["gold"]


def test_with_too_few_simulated_voters_to_flag_anybody_nobody_is_ok(honest: SimulatedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.arena.ratings.against_others._DRAWS", (99,))
    findings = [finding for finding in anomalies(honest.votes) if finding.sign in ("contrary", "partisan")]
    assert {finding.answer for finding in findings} == {"unchecked"}
    assert all("too few to differ from chance among 40 voters" in finding.sentence for finding in findings)


def test_every_voter_gets_an_answer_to_every_sign_with_a_sentence(honest: SimulatedStudy) -> None:
    findings = anomalies(honest.votes)
    assert [finding.sign for finding in findings[: len(SIGNS)]] == list(SIGNS)
    assert len(findings) == 40 * len(SIGNS)
    for finding in findings:
        assert finding.sentence
        assert (finding.figure is None) == (finding.answer == "unchecked")


def test_the_order_of_the_log_does_not_matter(honest: SimulatedStudy) -> None:
    assert anomalies(honest.votes[::-1]) == anomalies(honest.votes)


def test_what_was_not_recorded_could_not_be_checked(vote: Make) -> None:
    votes = [vote(number, voter=f"w{number % 3}", dwell_s=None) for number in range(90)]
    by_sign = {finding.sign: finding for finding in anomalies(votes) if finding.voter == "w0"}
    for sign, why in [
        ("too_fast", "0 votes have times"),
        ("regular", "0 votes have times"),
        ("gold", "no vote of this voter"),
        ("repeats", "no vote of this voter"),
        ("contrary", "no more than 5 others"),
        ("partisan", "no more than 5 others"),
    ]:
        assert by_sign[sign].answer == "unchecked"
        assert why in by_sign[sign].sentence
    assert anomalies([]) == ()


def test_too_few_gold_pairs_to_tell_are_unchecked_and_not_ok(vote: Make) -> None:
    """All of two gold pairs wrong, where the others get nine of ten right: no outcome of two could have been flagged."""
    votes = [
        vote(100 * voter + number, voter=f"w{voter}", kind="gold", expected="left", choice="tie" if number == 0 else "left")
        for voter in range(30)
        for number in range(10)
    ]
    votes += [vote(9_000 + number, voter="new", kind="gold", expected="left", choice="tie") for number in range(2)]
    finding = next(finding for finding in anomalies(votes) if (finding.voter, finding.sign) == ("new", "gold"))
    assert finding.answer == "unchecked"
    assert "0 of 2 gold pairs" in finding.sentence
    votes += [vote(9_100 + number, voter="new", kind="gold", expected="left", choice="tie") for number in range(8)]
    finding = next(finding for finding in anomalies(votes) if (finding.voter, finding.sign) == ("new", "gold"))
    assert (finding.answer, finding.figure) == ("flagged", 0.0)


def test_repeats_are_compared_with_sides_swapped_back_and_tell_what_chance_would_give(vote: Make) -> None:
    votes = []
    for voter in range(12):
        for number in range(20):
            at = 1_000 * voter + 10 * number
            choice = ("left", "right")[number % 2]
            again = {"left": "right", "right": "left"}[choice] if voter or number % 5 == 0 else choice
            votes += [
                vote(at, battle=f"b{at}", voter=f"w{voter}", choice=choice),
                vote(at + 1, kind="repeat", repeats=f"b{at}", battle=f"r{at}", voter=f"w{voter}", choice=again),
            ]
    finding = next(finding for finding in anomalies(votes) if (finding.voter, finding.sign) == ("w0", "repeats"))
    assert (finding.answer, finding.figure, finding.n) == ("flagged", 0.2, 20)
    assert "100% of 220 of the others; 50% would be by chance" in finding.sentence


def test_a_habit_of_calling_ties_is_no_sign(honest: SimulatedStudy) -> None:
    study = SimulatedStudy(9)
    study.clips, study.votes = honest.clips, list(honest.votes)
    study.add("undecided", 100)
    ties = [
        vote.model_copy(update={"choice": "tie"}) if vote.voter == "undecided" and vote.kind == "pair" and number % 10 < 7 else vote
        for number, vote in enumerate(study.votes)
    ]
    assert "undecided" not in flagged(anomalies(ties))
