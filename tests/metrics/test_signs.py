"""Every signed time of every registered metric has one sign: that of ITU-R BT.1359, positive where the sound is early."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seedbench.plugins import registry
from seedbench.plugins.metric import OFFSET_SIGN, Measure, MetricInfo

TIMES = {"ms", "s"}


def wrongly_signed(info: MetricInfo) -> list[str]:
    """The signed times of a metric that state no sign convention, or another one."""
    signed = [measure for measure in info.measures if measure.unit in TIMES and (measure.low is None or measure.low < 0)]
    return [f"{info.name}.{measure.name}: {measure.sign or 'no sign is stated'}" for measure in signed if measure.sign != OFFSET_SIGN]


def infos() -> list[MetricInfo]:
    return [registry.load("metrics", name).info for name in registry.entries("metrics") if name != "toy_wrong"]


@pytest.mark.parametrize("info", infos(), ids=lambda info: info.name)
def test_every_signed_time_states_the_one_convention(info: MetricInfo) -> None:
    assert wrongly_signed(info) == []


def test_the_known_signed_times_are_checked() -> None:
    stated = {f"{info.name}.{measure.name}" for info in infos() for measure in info.measures if measure.sign == OFFSET_SIGN}
    assert stated >= {"lipsync.offset_ms", "syncnet.offset_ms", "impact.offset_ms"}


@pytest.mark.parametrize("sign", ["", "positive: sound late", "positive: the audio is early"])
def test_a_measure_without_the_convention_is_found(sign: str) -> None:
    info = registry.load("metrics", "impact").info
    offset = Measure(name="late_ms", title="Late", unit="ms", direction="none", meaning="how late", sign=sign)
    assert wrongly_signed(replace(info, measures=(*info.measures, offset))) == [f"impact.late_ms: {sign or 'no sign is stated'}"]
