"""A set metric tried on footage whose answers are known: equal sets, copies of known harm, other scenes, and ratings."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seedbench.cli import app
from seedbench.clips.writing import write_clip
from seedbench.errors import PluginError, SeedBenchError
from seedbench.plugins import registry
from seedbench.plugins.metric import Features, Score, SetMetric
from seedbench.plugins.real_footage import from_json
from seedbench.plugins.set_footage import set_badge, set_sentences, sure_words
from seedbench.plugins.validation import SetValidationProtocol, Variant, protocol_of
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from seedbench.validation.page import write_pages
from seedbench.validation.run import Validation, validate_metric
from seedbench.validation.set_counting import draw_tasks, effective_share, figures_from, independent_draws, ranking_from, sizes_of
from seedbench.validation.set_draws import DrawTask, EmbeddedClip, compare_draws, exchanged
from seedbench.validation.truth import TruthError
from tests.packages import install, uninstall
from tests.seedbench.runs.test_runner import InProcess

METRIC = """
import numpy as np
from seedbench.plugins.metric import Measure, MetricInfo, Score, SetMetric
from seedbench.plugins.set_difference import SetDifference

def interval(values, centre):
    half = 2.5 * values.std(ddof=1) / len(values) ** 0.5
    return centre - half, centre + half

def means(side):
    return {name: side.values[[group == name for group in side.groups]].mean() for name in dict.fromkeys(side.groups)}

class Levels(SetMetric):
    validation = "levels.protocol:PROTOCOL"
    info = MetricInfo(name="levels", title="Levels", meaning="m", citation="c", version=1,
                      measures=(Measure(name="d", title="d", unit="", direction="down", meaning="m", headline=True),
                                Measure(name="other", title="o", unit="", direction="down", meaning="m")))

    def embed(self, clip):
        return clip.frames(5, 16).rgb.mean()[None, None]

    def compare(self, generated, reference):
        gap = abs(generated.values.mean() - reference.values.mean())
        spread = np.concatenate([side.values - side.values.mean() for side in (generated, reference)])
        half = 2.0 * spread.std(ddof=2) * (1 / len(generated.values) + 1 / len(reference.values)) ** 0.5
        return [Score.of("d", float(gap), backend="b", interval=(float(gap - half), float(gap + half))), Score.none("other", "no")]

    def difference(self, first, second, reference):
        one, two = means(first), means(second)
        centre = reference.values.mean()
        gaps = np.array([abs(one[name] - centre) - abs(two[name] - centre) for name in one])
        low, high = interval(gaps, gaps.mean())
        return [SetDifference(measure="d", value=float(gaps.mean()), low=float(low), high=float(high), n_prompts=len(gaps))]
"""
PROTOCOL = """
import numpy as np
from seedbench.clips.changed_copies import change_pictures
from seedbench.plugins.validation import SetValidationProtocol, Variant

def brighter(levels):
    return lambda arrays, clip, partner: change_pictures(arrays, lambda rgb, _: np.clip(rgb.astype(int) + levels, 0, 255).astype(np.uint8))

class LevelsProtocol(SetValidationProtocol):
    controls = ("written anew",)
    sizes = (5,)
    draws = 20
    about = "Levels are known."
    variants = (
        Variant(name="as it is", expected="no difference"),
        Variant(name="written anew", expected="no difference", change=lambda arrays, clip, partner: arrays),
        Variant(name="brighter by 60", expected="a difference", change=brighter(60)),
    )

PROTOCOL = LevelsProtocol()
"""
RATED = {"one": (4.0, 60), "two": (3.0, 75), "three": (2.0, 90), "four": (1.0, 105)}


@pytest.fixture
def _levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    files = {"levels/__init__.py": METRIC, "levels/protocol.py": PROTOCOL}
    install(tmp_path / "site", monkeypatch, name="levels", files=files, entry_points={"metrics": {"levels": "levels:Levels"}})
    yield
    uninstall(tmp_path / "site", "levels")


def write_footage(folder: Path, clips: Mapping[str, int], rows: list[str]) -> Path:
    folder.mkdir()
    for name, level in clips.items():
        write_clip(folder / name, [np.full((32, 48, 3), level, np.uint8)] * 5, 25)
    (folder / "truth.csv").write_text("\n".join(["file,kind,prompt,generator,rating", *rows]) + "\n")
    return folder


@pytest.fixture
def footage(tmp_path: Path, _levels: None) -> Path:
    """Ten dark filmed clips (levels 52 to 70), eight light ones (180 to 194), and four generators on four prompts."""
    filmed = {f"dark-{number}.mp4": 52 + 2 * number for number in range(10)} | {
        f"light-{number}.mp4": 180 + 2 * number for number in range(8)
    }
    rows = [f"{name},{name.partition('-')[0]},,," for name in filmed]
    generated = {f"{name}-{prompt}.mp4": level + prompt for name, (_, level) in RATED.items() for prompt in range(4)}
    rows += [f"{name}-{prompt}.mp4,drawn,p{prompt},{name},{rating}" for name, (rating, _) in RATED.items() for prompt in range(4)]
    return write_footage(tmp_path / "footage", filmed | generated, rows)


def validate(footage: Path, workspace: Workspace) -> Validation:
    use_cache(workspace.cache)
    return validate_metric("levels", footage, InProcess(), workspace.scratch)


def test_equal_sets_harms_scenes_and_ratings_have_their_known_answers(footage: Path, workspace: Workspace) -> None:
    record = validate(footage, workspace).record
    by_title = {(entry.section, entry.title, entry.kind): entry for entry in record.set_trials if entry.prompts != 11}
    assert {entry.measure for entry in record.set_trials} == {"d"}  # no headline measure is left out, and no other is shown
    anew = by_title["equal", "written anew", "dark"]
    assert anew.moved == pytest.approx(0, abs=0.6)
    harm = by_title["harm", "brighter by 60", "dark"]
    assert (harm.prompts, harm.sure.count, harm.sure.total) == (5, 20, 20)
    assert harm.moved == pytest.approx(55, abs=6)  # 60 away from its file, which lies about 5 away from the other clips
    assert by_title["equal", "two halves", "dark"].sure.count <= 4
    assert by_title["harm", "brighter by 60", "light"].prompts == 4
    assert ("harm", "brighter by 60", "drawn") not in by_title  # four prompts cannot be halved
    scenes = by_title["scenes", "dark against light", ""]
    assert (scenes.sure.count, scenes.sure.total) == (1, 1)
    assert scenes.distance == pytest.approx(187 - 61, abs=2)
    to_dark, to_light = record.rankings
    assert [name for name, _, _ in to_dark.generators] == ["one", "two", "three", "four"]
    assert to_dark.tau is not None
    assert to_light.tau is not None
    assert (to_dark.tau[0], to_light.tau[0]) == (1.0, -1.0)
    assert to_dark.tau[1] < 0 < to_light.tau[2]  # a perfect order of four proves nothing
    assert (to_dark.prompts, to_dark.reference, to_dark.generators[0][2]) == (4, "dark", pytest.approx(0.5, abs=1))


def test_a_second_validation_embeds_nothing_again_whatever_the_ratings(
    footage: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = validate(footage, workspace)
    monkeypatch.setattr("seedbench.validation.trials._embed", lambda trial: pytest.fail("embedded again"))
    assert validate(footage, workspace).record == first.record
    truth = footage / "truth.csv"
    truth.write_text(truth.read_text().replace(",4.0", ",0.5"))
    assert validate(footage, workspace).record.rankings[0].tau != first.record.rankings[0].tau


def test_the_files_of_a_set_metric(footage: Path, workspace: Workspace, tmp_path: Path) -> None:
    (footage / "light-0.mp4").write_bytes(b"no clip")
    finished = validate(footage, workspace)
    files = write_pages(finished, tmp_path / "out")
    assert [file.name for file in files] == ["validation.html", "validation.md", "validation.json", "trials.csv"]
    page, html = files[1].read_text(), files[0].read_text()
    titles = ["Footage", "Equal sets", "Known harm", "Other scenes", "People's ratings", "In short", "Not counted"]
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == titles
    assert "| brighter by 60 | dark | `d` |" in page
    assert "| 5 prompts |" in page
    assert "d: it does not rank 4 generators as people do: no order is shown with 2 reference sets (Kendall's tau -1.00 to +1.00)" in page
    assert "light-0.mp4, as it is and 2 more: " in page
    assert finished.record.not_counted == 3
    assert "Wrong answers" not in page + html
    assert all(title in html for title in ("Equal sets", "Known harm", "In short"))
    assert str(footage) not in page + html + files[2].read_text() + files[3].read_text()
    rows = list(csv.DictReader(files[3].read_text().splitlines()))
    assert {row["section"] for row in rows} == {"equal", "harm", "scenes"}
    assert sum(row["sets"] == "two halves" and row["kind"] == "dark" for row in rows) == 20


def test_the_command_drafts_a_truth_file_and_writes_the_page(footage: Path, workspace: Workspace, tmp_path: Path) -> None:
    kept = (footage / "truth.csv").read_text()
    (footage / "truth.csv").unlink()
    runner = CliRunner(env={"COLUMNS": "160"})
    drafted = runner.invoke(app, ["validate", "levels", "--footage", str(footage), "--write-truth"])
    assert drafted.exit_code == 0, drafted.output
    assert "rating: what people rate it, larger is better; needs a generator and a prompt; may be empty" in drafted.output
    assert (footage / "truth.csv").read_text().startswith("file,kind,source,licence,prompt,generator,rating\n")
    (footage / "truth.csv").write_text(kept)
    done = runner.invoke(app, ["validate", "levels", "--footage", str(footage), "--out", str(tmp_path / "out"), "-j", "1"])
    assert done.exit_code == 0, done.output
    assert "brighter by 60 (d, 11 prompts)" in done.output
    assert "d: other scenes alone make a distance of" in done.output
    assert from_json((tmp_path / "out" / "validation.json").read_text()).set_trials


@pytest.mark.usefixtures("_levels")
@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a.mp4,filmed,p,,3"], "a.mp4 has a rating but no generator: fill in the column generator, or leave the rating empty"),
        (["a.mp4,filmed,,g,3"], "a.mp4 has a rating but no prompt"),
        (["a.mp4,filmed,p,g,good"], "truth.csv:2: rating"),
        (["a.mp4,filmed,p,,"], "1 prompts have features; sets are compared from 8 prompts on"),
    ],
)
def test_a_truth_file_that_cannot_be_used_is_named(rows: list[str], says: str, tmp_path: Path, workspace: Workspace) -> None:
    footage = write_footage(tmp_path / "footage", {"a.mp4": 60}, rows)
    with pytest.raises(SeedBenchError, match=says) as raised:
        validate(footage, workspace)
    assert isinstance(raised.value, TruthError) == ("rating" in says)


@pytest.mark.usefixtures("_levels")
def test_a_metric_of_sets_that_names_a_protocol_of_clips_is_refused() -> None:
    kind = registry.load("metrics", "levels")
    wrong = type("Wrong", (kind,), {"validation": "toy_plugin.protocol:PROTOCOL"})
    assert issubclass(wrong, SetMetric)
    with pytest.raises(PluginError, match=r"is not a seedbench\.plugins\.validation\.SetValidationProtocol"):
        protocol_of(wrong)


def clips(levels: list[float], prompts: list[str] | None = None, generator: str = "") -> tuple[EmbeddedClip, ...]:
    return tuple(
        EmbeddedClip(f"{generator}{number}", prompts[number] if prompts else f"p{number}", np.array([[level]]), generator)
        for number, level in enumerate(levels)
    )


def task(**more: object) -> DrawTask:
    plain = {"metric": "levels", "section": "equal", "title": "t", "kind": "", "prompts": 4, "clips": clips([60.0] * 8), "draws": 3}
    return DrawTask(**{**plain, **more})  # type: ignore[arg-type]


@pytest.mark.usefixtures("_levels")
def test_clips_of_one_prompt_are_never_in_both_halves() -> None:
    pairs = clips([10.0, 10.0, 20.0, 20.0, 30.0, 30.0, 40.0, 40.0] * 2, [f"p{number // 2}" for number in range(16)])
    rows = compare_draws(task(clips=pairs, draws=40)).rows
    sums = {round(row.distance * 8) for row in rows if row.distance is not None}
    assert all(total % 20 == 0 for total in sums)  # four prompts a side, each with two equal clips
    assert len(sums) > 1


@pytest.mark.usefixtures("_levels")
def test_a_difference_in_the_other_direction_is_counted_apart() -> None:
    clean = clips([100.0 + 10 * (number % 2) for number in range(8)])
    nearer = tuple(EmbeddedClip(clip.name, clip.prompt, np.array([[105.0]])) for clip in clean)
    harm = task(section="harm", clips=clean, others=nearer, draws=20)
    [figures] = figures_from([(harm, compare_draws(harm))])
    assert figures.moved is not None
    assert figures.moved < 0
    assert (figures.sure.count, figures.nearer > 0) == (0, True)


def test_two_generators_exchanged_have_each_prompt_once_a_side() -> None:
    both = clips([1.0] * 6, generator="a") + clips([2.0] * 5, generator="b")
    first, second = exchanged(both, ("a", "b"), np.random.default_rng(0))
    assert [clip.prompt for clip in first] != []
    assert sorted(clip.prompt for clip in first) == sorted(clip.prompt for clip in second) == [f"p{number}" for number in range(5)]
    assert {clip.generator for clip in first} == {"a", "b"}
    assert not {clip.name for clip in first} & {clip.name for clip in second}


@pytest.mark.usefixtures("_levels")
def test_reasons_are_counted_and_give_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.load("metrics", "levels")
    assert issubclass(kind, SetMetric)
    monkeypatch.setattr(kind, "compare", lambda self, generated, reference: [Score.none("d", "too alike"), Score.none("other", "no")])
    given = compare_draws(task())
    assert (given.rows, given.reasons) == ((), {"too alike": 3})
    assert figures_from([(task(), given)]) == []


@pytest.mark.usefixtures("_levels")
def test_a_comparison_without_an_interval_is_neither_different_nor_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.load("metrics", "levels")
    assert issubclass(kind, SetMetric)
    intervals = iter([(1.0, 2.0), None, (-1.0, 1.0), None, None, None])

    def compare(self: SetMetric, generated: Features, reference: Features) -> list[Score]:
        return [Score.of("d", 3.0, backend="b", interval=next(intervals)), Score.none("other", "no")]

    monkeypatch.setattr(kind, "compare", compare)
    [some] = figures_from([(task(), compare_draws(task()))])
    assert (some.sure.count, some.sure.total, some.no_interval, some.distance) == (1, 2, 1, 3.0)
    assert sure_words(some).endswith("; 1 without an interval")
    [never] = figures_from([(task(), compare_draws(task()))])
    assert (never.sure.total, never.no_interval, sure_words(never)) == (0, 3, "no interval")
    assert set_badge([never]) == ""
    assert set_sentences([never], []) == ["d: t, 4 prompts a side, have no interval"]
    [both] = set_sentences([never, replace(some, title="u")], [])
    assert both.startswith("d: equal sets (u, 4 prompts a side) are called different in 1 of 2 (50%")
    assert both.endswith("; t, 4 prompts a side, have no interval")


def test_the_interval_of_drawn_halves_covers_what_independent_sets_would_give() -> None:
    """Of 16 prompts: a t-like test on random halves, whose true rate is that over all data sets."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(400):
        values = rng.normal(size=16)
        order = np.array([rng.permutation(16) for _ in range(100)])
        left, right = values[order[:, :8]], values[order[:, 8:]]
        error = np.sqrt((left.var(axis=1, ddof=1) + right.var(axis=1, ddof=1)) / 8)
        shares.append(int((np.abs(left.mean(axis=1) - right.mean(axis=1)) > 1.2 * error).sum()))
    truth = np.mean(shares) / 100
    assert 0.2 < truth < 0.3
    effective = independent_draws(task(prompts=8, clips=clips([0.0] * 16)))
    assert effective == 15
    intervals = [effective_share(count, 100, effective) for count in shares]
    assert np.mean([share.low <= truth <= share.high for share in intervals if share.low is not None and share.high is not None]) >= 0.95


@pytest.mark.usefixtures("_levels")
def test_a_metric_that_breaks_down_ends_with_its_reason(footage: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("the metric has a bug")

    monkeypatch.setattr(registry.load("metrics", "levels"), "difference", broken)
    with pytest.raises(SeedBenchError, match=r"levels cannot compare sets: .*ValueError: the metric has a bug"):
        validate(footage, workspace)


def test_draws_of_copies_are_worth_the_draws_without_a_common_prompt() -> None:
    of_copies = task(prompts=5, clips=clips([0.0] * 20), others=clips([1.0] * 20))
    assert independent_draws(of_copies) == 4
    assert independent_draws(task(prompts=0, others=clips([1.0] * 8))) == 1
    assert independent_draws(task(prompts=5, exchange=("a", "b"), others=clips([1.0] * 8))) == 5
    assert independent_draws(task(prompts=4, clips=clips([0.0] * 17))) == 14  # two parts of eight prompts, seven splits each


def test_equal_ratings_are_left_out_and_a_perfect_order_of_five_is_one() -> None:
    ranking = ranking_from("d", "filmed", {"a": (3.0, 1.0), "b": (3.0, 2.0), "c": (1.0, 3.0)}, 6)
    assert (ranking.concordant.count, ranking.concordant.total) == (2, 2)
    ordered = ranking_from("d", "filmed", {str(order): (5.0 - order, float(order)) for order in range(5)}, 6)
    assert ordered.tau is not None
    assert ordered.tau[1] > 0
    assert ranking_from("d", "filmed", {"a": (3.0, 1.0), "b": (3.0, 2.0)}, 6).tau is None


def test_small_kinds_are_compared_with_others_and_not_halved() -> None:
    class Harm(SetValidationProtocol):
        variants = (Variant(name="as it is", expected=""), Variant(name="harm", expected=""))

    clean = {clip.name: clip for clip in clips([1.0] * 14)}
    kinds = {name: "few" if int(name) < 5 else "many" for name in clean}
    tasks = draw_tasks("levels", Harm(), {"as it is": clean, "harm": {name: clip for name, clip in clean.items() if name != "3"}}, kinds)
    drawn = [(entry.title, entry.kind, entry.prompts) for entry in tasks]
    assert ("harm", "few", 4) not in drawn
    assert ("few against many", "", 0) in drawn
    assert ("two halves", "", 7) in drawn
    assert ("harm", "", 6) in drawn  # a copy is missing
    assert sizes_of((5,), 7) == []
