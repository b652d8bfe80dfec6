"""Plug-ins are discovered by entry point; a broken one does not affect the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from seedbench.cli import app
from seedbench.cli.checks import Check, run_checks
from seedbench.errors import PluginError, UnknownNameError
from seedbench.plugins import registry
from seedbench.plugins.declaration_checks import declaration_problem
from seedbench.plugins.generator import Capabilities, Generator
from seedbench.plugins.metric import Measure, Metric, MetricInfo, SetMetric
from seedbench.plugins.weights_lists import Weights
from tests.packages import HEAD, install, uninstall


def test_a_plug_in_of_another_package_is_found_like_the_built_in_ones() -> None:
    assert {"toy", "simulator", "import", "command"} <= set(registry.entries("generators"))
    assert registry.load("metrics", "toy_brightness").info.name == "toy_brightness"


def test_the_error_of_an_unknown_name_suggests_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lipsync'"):
        registry.load("metrics", "lipsink")


def test_the_error_of_an_entry_that_cannot_be_imported_has_its_name_and_the_reason() -> None:
    with pytest.raises(PluginError, match=r"toy_plugin\.missing"):
        registry.load("generators", "toy-broken")


def test_an_entry_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(PluginError, match="is not a Metric or SetMetric"):
        registry.load("metrics", "toy_wrong")


def test_a_broken_entry_causes_a_warning_and_the_others_are_loaded() -> None:
    with pytest.warns(UserWarning, match="toy-broken"):
        loaded = registry.load_all("generators")
    assert "toy" in loaded
    assert "toy-broken" not in loaded


@pytest.mark.parametrize("name", [name for name in registry.entries("metrics") if not name.startswith("toy")])
def test_every_metric_declares_itself_fully(name: str) -> None:
    info = registry.load("metrics", name).info
    assert info.name == name
    assert info.meaning
    assert info.citation
    assert any(measure.headline for measure in info.measures) or name == "syncnet"
    assert len({measure.name for measure in info.measures}) == len(info.measures)
    for measure in info.measures:
        assert measure.meaning
        assert measure.direction in {"up", "down", "zero", "none"}
        if measure.direction == "zero":
            assert measure.sign, f"{name}.{measure.name} has a sign to explain"


# -- what an entry of another package declares is checked when it is loaded ---------------------------------------------------------------

MEASURE = Measure(name="m", title="M", unit="", direction="up", meaning="m")
INFO = MetricInfo(name="good", title="t", meaning="m", citation="c", version=1, measures=(MEASURE,))


def metric(**changes: object) -> type[Metric]:
    """A metric with something changed in its info."""

    class Good(Metric):
        info = replace(INFO, **changes)  # type: ignore[arg-type]

        def score(self, clip: object, sample: object) -> list[object]:  # type: ignore[override]
            return []

    return Good


def measured(**changes: object) -> type[Metric]:
    """A metric with something changed in its only measure."""
    return metric(measures=(replace(MEASURE, **changes),))  # type: ignore[arg-type]


def test_a_correct_metric_has_no_problem() -> None:
    assert declaration_problem("metrics", "good", metric()) == ""
    assert declaration_problem("metrics", "good", measured(low=0, high=1.5, direction="zero")) == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (metric(name="other"), r"registered as 'good' and calls itself 'other' \(info.name\); give both the same name"),
        (metric(measures=()), "declares no measures"),
        (metric(measures=(MEASURE, MEASURE)), "two measures called 'm'"),
        (metric(measures=("m",)), "a str among its measures"),
        (metric(measures=None), "declares no measures"),
        (metric(title=None), "nothing as its info.title"),
        (metric(version="1"), "'1' as its info.version"),
        (metric(version=0), "0 as its info.version"),
        (metric(min_n=True), "True as its info.min_n"),
        (metric(needs=frozenset({"video", "smell"})), "needs smell, video; a metric can need audio, cast"),
        (metric(needs="video"), "needs 'video'"),
        (metric(weights=("nobody",)), "uses weights 'nobody', which no list of weights names"),
        (metric(weights="syncnet"), "a str as its info.weights"),
        (measured(name=""), "a measure called ''"),
        (measured(name="m" * 101), "a measure called 'mmm"),
        (measured(direction="more"), "the direction 'more'; known: up, down, zero, none"),
        (measured(unit=3), "a int as the unit"),
        (measured(low=1, high=0), "bounds its measure 'm' by 1 and 0"),
        (measured(low=float("nan")), "bounds its measure"),
        (type("NoInfo", (Metric,), {"score": print}), "nothing as its info"),
        (type("DictInfo", (Metric,), {"score": print, "info": {}}), "a dict as its info"),
        (type("NoScore", (Metric,), {"info": INFO}), r"does not define score\(\)"),
        (type("NoCompare", (SetMetric,), {"info": INFO, "embed": print}), r"does not define compare\(\)"),
        (type("Both", (Metric, SetMetric), {"info": INFO, "score": print, "embed": print, "compare": print}), "a Metric and a SetMetric"),
        (metric, "is not a Metric or SetMetric"),
    ],
)
def test_a_wrong_declaration_is_named(kind: object, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(declaration_problem("metrics", "good", kind))


class Named(Generator):
    name = "other"

    def capabilities(self) -> Capabilities:
        return Capabilities()

    generate = print  # type: ignore[assignment]


def test_wrong_generators_and_commands_are_named() -> None:
    assert declaration_problem("generators", "other", Named) == ""
    assert "registered as 'good' and calls itself 'other' (name)" in declaration_problem("generators", "good", Named)
    assert "does not define generate()" in declaration_problem(
        "generators", "x", type("X", (Generator,), {"name": "x", "capabilities": print})
    )
    assert "calls itself None" in declaration_problem("generators", "x", type("X", (Generator,), {}))
    assert declaration_problem("generators", "x", int) == "is not a Generator"
    assert declaration_problem("commands", "x", print) == "is a builtin_function_or_method, where a typer.Typer is needed"
    assert declaration_problem("commands", "x", typer.Typer()) == "is a typer.Typer without a command"


Installer = Callable[..., Path]


@pytest.fixture
def install_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Install a package called ``another`` for the test."""
    folder = tmp_path / "site"

    def put(text: str, **entry_points: dict[str, str]) -> Path:
        return install(folder, monkeypatch, name="another", files={"another.py": HEAD + text}, entry_points=entry_points)

    yield put
    uninstall(folder, "another")


LIKE = """
class Like(Metric):
    info = info("like")
    def score(self, clip, sample): return Score.of("value", 1, backend="b")
"""


def test_an_entry_named_differently_from_its_metric_is_refused_with_both_names_and_its_package(install_other: Installer) -> None:
    install_other(LIKE, metrics={"unlike": "another:Like"})
    with pytest.raises(
        PluginError, match=r"metric 'unlike' \(another:Like of the package another\) is registered as 'unlike' and .* 'like'"
    ):
        registry.load("metrics", "unlike")


def test_a_module_that_raises_anything_is_a_warning_and_the_others_are_loaded(install_other: Installer) -> None:
    install_other("raise ZeroDivisionError('a bug')", metrics={"bug": "another:Bug"})
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        loaded = registry.load_all("metrics")
    assert any(
        "metric 'bug' (another:Bug of the package another) cannot be loaded: ZeroDivisionError: a bug" in str(warning.message)
        for warning in issued
    )
    assert "lipsync" in loaded
    assert "bug" not in loaded


def test_no_package_can_take_the_name_of_a_built_in_metric(install_other: Installer) -> None:
    install_other(LIKE, metrics={"lipsync": "another:Like"})
    with pytest.warns(
        UserWarning,
        match=r"'lipsync' \(another:Like of the package another\) is left out: the name is taken by seedbench.metrics.lipsync",
    ):
        entry = registry.entries("metrics")["lipsync"]
    assert entry.value == "seedbench.metrics.lipsync:LipSync"


def test_a_command_with_the_name_of_a_built_in_one_is_left_out_with_a_warning(install_other: Installer) -> None:
    install_other("import typer\napp = typer.Typer()", commands={"runs": "another:app"})
    with pytest.warns(UserWarning, match=r"command 'runs' \(another:app\) is left out: SeedBench has one of that name"):
        listed = CliRunner().invoke(app, ["--help"], catch_exceptions=False).output
    assert listed.count(" runs ") == 1
    assert "compare" in CliRunner().invoke(app, ["runs", "--help"]).output


def test_doctor_shows_all_broken_plug_ins_of_other_packages_as_optional(install_other: Installer) -> None:
    install_other(LIKE, metrics={"unlike": "another:Like"}, commands={"bare": "another:Like"})
    checks = {check.name: check for check in run_checks()}
    assert checks["plug-ins"].ok
    others = checks["plug-ins of others"]
    assert (others.ok, others.optional) == (False, True)
    for words in (
        "'unlike'",
        "'toy-broken'",
        "'toy_wrong'",
        "'bare' (another:Like of the package another) is a type, where a typer.Typer",
    ):
        assert words in others.finding


LACKING = """
from seedbench.plugins.generator import Generator
class Lacking(Generator):
    name = "lacking"
    def capabilities(self): ...
    def generate(self, request, directory): ...
    @classmethod
    def missing_requirements(cls): {body}
"""


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("return ()", "nothing is missing"),
        ("return ('no voice: pip install voice', 'no ear')", "no voice: pip install voice; no ear"),
        ("raise ZeroDivisionError('a bug')", "cannot be checked: ZeroDivisionError: a bug"),
    ],
)
def test_doctor_shows_what_a_plug_in_lacks_as_optional(body: str, finding: str, install_other: Installer) -> None:
    install_other(LACKING.format(body=body), generators={"lacking": "another:Lacking"})
    checks = {check.name: check for check in run_checks()}
    assert checks["generator lacking"] == Check("generator lacking", finding == "nothing is missing", finding, optional=True)
    assert "generator toy" not in checks  # which says nothing of the kind


def test_absent_weights_of_another_package_are_an_optional_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path))
    source = {"kind": "url", "url": "https://example.org/net"}
    entry = Weights(
        name="net", file="net", sha256="0" * 64, sha256_start="", sha256_end="", size=1, licence="MIT", used_by="x", source=source
    )
    entries = {"net": replace(entry, package="another"), "own": replace(entry, name="own")}
    monkeypatch.setattr("seedbench.plugins.weights.all_weights", lambda: entries)
    checks = {check.name: check for check in run_checks()}
    assert [(checks[f"weights {name}"].ok, checks[f"weights {name}"].optional) for name in entries] == [(False, True), (False, False)]


def test_the_default_metrics_are_those_declared_as_default_in_their_order() -> None:
    assert registry.default_metrics() == ("lipsync", "identity", "physics", "impact", "video_distance")


def test_a_broken_metric_of_another_package_is_not_a_default_and_affects_no_run() -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("error")
        assert "toy_wrong" not in registry.default_metrics()


def test_a_broken_metric_of_seedbench_is_an_error_and_not_left_out_of_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.metrics.impact.ImpactAlignment.info", None)
    with pytest.raises(PluginError, match="metric 'impact'"):
        registry.default_metrics()


def test_a_metric_of_another_package_can_be_a_default_one(install_other: Installer) -> None:
    code = "import dataclasses\n" + LIKE.replace('info = info("like")', 'info = dataclasses.replace(info("like"), default_rank=15)')
    install_other(code, metrics={"like": "another:Like"})
    assert registry.default_metrics()[:3] == ("lipsync", "like", "identity")
