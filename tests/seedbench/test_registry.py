"""Plug-ins are found by entry point; a broken one does not take the others with it."""

from __future__ import annotations

import pytest

from seedbench import registry
from seedbench.errors import PluginError, UnknownNameError


def test_a_strangers_plug_in_is_found_like_the_built_in_ones() -> None:
    assert {"toy", "simulator", "import", "command"} <= set(registry.entries("generators"))
    assert registry.load("metrics", "toy_brightness").info.name == "toy_brightness"


def test_an_unknown_name_is_told_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lipsync'"):
        registry.load("metrics", "lipsink")


def test_an_entry_that_cannot_be_imported_says_which_and_why() -> None:
    with pytest.raises(PluginError, match=r"toy_plugin\.missing"):
        registry.load("generators", "toy-broken")


def test_an_entry_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(PluginError, match="is not a Metric or SetMetric"):
        registry.load("metrics", "toy_wrong")


def test_a_broken_entry_warns_and_the_rest_go_on() -> None:
    with pytest.warns(UserWarning, match="toy-broken"):
        found = registry.load_all("generators")
    assert "toy" in found
    assert "toy-broken" not in found


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
