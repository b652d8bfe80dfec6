"""Checks answer ok, excluded or could not check, and never mistake the third for the second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import DEFAULT, FOR_IMPORTED, Rules, RulesError, apply_rules, golds, load, repeated, side_share

Make = Callable[..., Vote]


def rules(*checks: dict[str, Any]) -> Rules:
    return Rules.model_validate({"name": "test", "checks": list(checks)})


def answered(votes: list[Vote], **check: Any) -> dict[str, int]:
    return dict(apply_rules(votes, rules(check)).answers[check["check"]])


@pytest.mark.parametrize(
    ("check", "good", "bad", "unknown"),
    [
        ({"check": "heard"}, {}, {"heard_right": 0.5}, {"heard_left": None}),
        ({"check": "dwell"}, {}, {"dwell_s": 4.0}, {"dwell_s": None}),
        ({"check": "sound_check"}, {}, {"sound_check": False}, {"sound_check": None}),
    ],
)
def test_checks_of_single_votes(
    vote: Make, check: dict[str, Any], good: dict[str, Any], bad: dict[str, Any], unknown: dict[str, Any]
) -> None:
    votes = [vote(1, **good), vote(2, **bad), vote(3, **unknown)]
    checked = apply_rules(votes, rules(check))
    assert dict(checked.answers[check["check"]]) == {"ok": 1, "excluded": 1, "unchecked": 1}
    assert [vote.id for vote in checked.kept] == ["v00001", "v00003"]
    assert checked.excluded == {"v00002": check["check"]}
    strict = apply_rules(votes, rules({**check, "unchecked": "exclude"}))
    assert [vote.id for vote in strict.kept] == ["v00001"]


def test_a_silent_pair_needs_no_sound_check(vote: Make) -> None:
    assert answered([vote(1, with_sound=False, sound_check=None)], check="sound_check") == {"ok": 1, "excluded": 0, "unchecked": 0}


def gold(make: Make, number: int, right: bool, voter: str) -> Vote:
    return make(number, kind="gold", expected="left", choice="left" if right else "tie", voter=voter)


def test_all_votes_of_a_voter_who_fails_gold_pairs_are_excluded_and_a_voter_without_any_is_unchecked(vote: Make) -> None:
    checks = [gold(vote, n, False, "bad") for n in range(4)] + [gold(vote, 10 + n, n > 0, "good") for n in range(4)]
    pairs = [vote(20, voter="bad"), vote(21, voter="good"), vote(22, voter="new")]
    checked = apply_rules(checks + pairs, rules({"check": "gold", "at_least": 0.7, "answered": 3}))
    assert [vote.voter for vote in checked.kept] == ["good", "new"]
    assert dict(checked.answers["gold"]) == {"ok": 1, "excluded": 1, "unchecked": 1}
    assert checked.unrated["gold"] == 8


def test_repeats_are_compared_with_sides_swapped_back(vote: Make) -> None:
    first = [vote(n, battle=f"b{n}", choice="left") for n in range(4)]
    again = [vote(10 + n, kind="repeat", repeats=f"b{n}", choice="right" if n else "left") for n in range(4)]
    assert repeated(first + again) == [False, True, True, True]
    ties = [vote(30, battle="t", choice="tie"), vote(31, kind="repeat", repeats="t", choice="tie")]
    assert repeated(ties) == [True]


def test_one_sided_voters(vote: Make) -> None:
    leaning = [vote(n, voter="leaning", choice="right" if n == 3 else "left") for n in range(20)]
    assert side_share(leaning) == 0.95
    assert answered(leaning, check="one_sided", at_most=0.9, answered=15) == {"ok": 0, "excluded": 20, "unchecked": 0}
    assert answered(leaning[:10], check="one_sided", at_most=0.9, answered=15)["unchecked"] == 10


def test_ties_say_nothing_about_sides(vote: Make) -> None:
    assert side_share([vote(n, choice="tie") for n in range(30)]) is None


def test_the_first_votes_of_a_voter_count_up_to_the_cap(vote: Make) -> None:
    votes = [vote(n, voter="eager") for n in range(5)] + [vote(9, voter="calm")]
    kept = apply_rules(votes, rules({"check": "cap", "votes": 3})).kept
    assert [vote.id for vote in kept] == ["v00000", "v00001", "v00002", "v00009"]


def test_only_people_count_where_the_rules_say_so(vote: Make) -> None:
    votes = [vote(1), vote(2, origin="simulated")]
    assert [vote.id for vote in apply_rules(votes, rules({"check": "origin"})).kept] == ["v00001"]
    assert len(apply_rules(votes, rules({"check": "origin", "origins": ["people", "simulated"]})).kept) == 2


def test_gold_pairs_need_an_expectation(vote: Make) -> None:
    assert golds([vote(1, kind="gold", expected=None)]) == []


@pytest.mark.parametrize(
    ("right", "of", "answer"), [(2, 2, "unchecked"), (1, 3, "ok"), (0, 3, "excluded"), (4, 9, "ok"), (3, 9, "excluded")]
)
def test_who_misses_gold_pairs_by_chance_is_not_left_out(vote: Make, right: int, of: int, answer: str) -> None:
    """P(no more than ``right`` of ``of``) where 7 of 10 are right: .216 of 3, .027 of 3, .099 of 9, .025 of 9."""
    votes = [gold(vote, n, n < right, "one") for n in range(of)]
    answers = answered([*votes, vote(50, voter="one")], check="gold", at_least=0.7, answered=3)
    assert answers == {"ok": 0, "excluded": 0, "unchecked": 0, answer: 1}


@pytest.mark.parametrize("accuracy", [0.9, 0.95])
def test_honest_voters_are_hardly_ever_left_out_for_gold_pairs(vote: Make, accuracy: float) -> None:
    rng = np.random.default_rng(0)
    votes = []
    for person in range(400):
        votes += [gold(vote, 100 * person + n, bool(rng.random() < accuracy), f"p{person}") for n in range(int(rng.integers(3, 12)))]
        votes.append(vote(100 * person + 50, voter=f"p{person}"))
    assert answered(votes, check="gold", at_least=0.7, answered=3)["excluded"] <= 8


def test_a_subset_keeps_the_answers_that_all_votes_gave(vote: Make) -> None:
    """Two missed gold pairs in each of two tasks are four."""
    bad = [vote(n, kind="gold", expected="left", choice="tie", voter="bad", task=("music", "talking")[n % 2]) for n in range(4)]
    pairs = [vote(20 + n, voter=("bad", "good")[n % 2], task=("music", "talking")[n // 2]) for n in range(4)]
    whole = apply_rules(bad + pairs, rules({"check": "gold", "at_least": 0.7, "answered": 3}))
    music = whole.subset(lambda vote: vote.task == "music")
    assert [vote.voter for vote in music.kept] == ["good"]
    assert music.answers["gold"] == {"ok": 0, "excluded": 1, "unchecked": 1}
    assert music.unrated["gold"] == 2
    assert whole.answers["gold"] == {"ok": 0, "excluded": 2, "unchecked": 2}


def test_the_first_check_that_left_a_vote_out_is_named(vote: Make) -> None:
    bad = [vote(1, heard_left=0.0, dwell_s=0.1)]
    assert apply_rules(bad, rules({"check": "heard"}, {"check": "dwell"})).excluded == {"v00001": "heard"}


def test_the_shipped_rules_are_read_and_have_a_hash_of_their_values() -> None:
    shipped = load()
    assert [check.check for check in shipped.checks] == [
        "origin",
        "heard",
        "dwell",
        "sound_check",
        "gold",
        "consistency",
        "one_sided",
        "cap",
    ]
    assert shipped.digest == load().digest
    assert shipped.model_copy(update={"version": "another"}).digest != shipped.digest
    assert shipped.rating == Rules(name="bare").rating
    assert shipped.rating.style == ("loudness_lu", "duration_s", "megapixels", "fps")


def test_the_covariates_held_equal_decide_a_board_and_its_hash() -> None:
    bare = Rules.model_validate({"name": "x", "rating": {"style": []}})
    assert bare.digest != Rules(name="x").digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nrating:\n  tie: half\n", r"line 3: rating: unknown key 'tie' \(did you mean 'ties'\?\)"),
        ("name: x\nchecks:\n  - {check: golden}\n", "line 3"),
        ("name: [\n", "not valid YAML"),
        ("name: x\nchecks: [{check: cap}, {check: cap, votes: 3}]\n", "'cap' is given twice"),
        ("name: x\nrating: {style: [fps, fps]}\n", "'fps' is given twice"),
    ],
)
def test_a_wrong_rules_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(RulesError, match=message):
        load(file)


def test_missing_rules_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_the_rules_for_imported_votes_are_the_default_ones_for_another_origin() -> None:
    default, imported = (load(file).model_dump(exclude={"name", "version"}) for file in (DEFAULT, FOR_IMPORTED))
    assert imported["checks"][0].pop("origins") == ("imported",)
    assert default["checks"][0].pop("origins") == ("people",)
    assert imported == default
