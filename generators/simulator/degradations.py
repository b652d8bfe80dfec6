"""Degradations of a scene by stated amounts, before it is rendered.

A degraded scene is drawn with the same care as any other: only what an option names differs. (:mod:`seedbench.clips.degradations` degrades
finished clips.) An option that has nothing to act on in a prompt leaves the clip as it is, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from seedbench.errors import SeedBenchError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class SceneDegradation:
    """What differs from what the prompt asks for; the defaults: nothing.

    - ``sound_delay_ms``: all sound later (negative: earlier); ``impact_delay_ms``: the sounds of events alone; ``beat_delay_ms``: the
      music alone.
    - ``lips_random``: mouths follow another sentence.
    - ``swap_identity_at_cut``: in every second shot (True), or in the shot after the n-th cut alone (n), people wear somebody else's face.
    - ``gravity_scale``: gravity times this.
    - ``energy_gain``: after every contact a body has 1 + this times the energy it came with, whatever restitution was asked; a pendulum
      gains it every period, a rolling body in the first second. 0: as asked.
    - ``teleport``: bodies jump sideways by so many metres in the middle of the clip.
    - ``flicker``: pictures in turn brighter and darker, 0..1 of full scale from one to the next.
    - ``freeze_from_s``: the picture stands still from then on; the sound goes on.
    - ``text_garbled``: so many letters of each sign are wrong.
    - ``mute``: the sound stream is silence.
    """

    sound_delay_ms: float = 0.0
    impact_delay_ms: float = 0.0
    beat_delay_ms: float = 0.0
    lips_random: bool = False
    swap_identity_at_cut: bool | int = False
    gravity_scale: float = 1.0
    energy_gain: float = 0.0
    teleport: float = 0.0
    flicker: float = 0.0
    freeze_from_s: float | None = None
    text_garbled: int = 0
    mute: bool = False

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise SeedBenchError(f"simulator: {name} takes a number, not {value!r}")
            if not low <= value <= high:
                raise SeedBenchError(f"simulator: {name}={value:g} is outside {low:g}..{high:g}")
        for name in ("lips_random", "mute"):
            if not isinstance(getattr(self, name), bool):
                raise SeedBenchError(f"simulator: {name} is true or false, not {getattr(self, name)!r}")
        cut = self.swap_identity_at_cut
        if not isinstance(cut, int) or cut < 0:
            raise SeedBenchError(f"simulator: swap_identity_at_cut is true, false or the number of a cut (1, 2, ...), not {cut!r}")
        if not isinstance(self.text_garbled, int):
            raise SeedBenchError(f"simulator: text_garbled is a number of letters, not {self.text_garbled!r}")

    def swaps(self, shot: int) -> bool:
        """Whether people of shot ``shot`` (0: the first) wear another's face.

        >>> [SceneDegradation(swap_identity_at_cut=True).swaps(shot) for shot in range(4)]
        [False, True, False, True]
        >>> [SceneDegradation(swap_identity_at_cut=2).swaps(shot) for shot in range(4)]
        [False, False, True, False]
        """
        if isinstance(self.swap_identity_at_cut, bool):
            return self.swap_identity_at_cut and shot % 2 == 1
        return shot == self.swap_identity_at_cut and shot > 0

    def asked(self) -> dict[str, Any]:
        """The options that differ from their defaults.

        >>> SceneDegradation(mute=True, flicker=0.1).asked()
        {'flicker': 0.1, 'mute': True}
        """
        return {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != field.default}


_RANGES = (
    ("sound_delay_ms", -60_000, 60_000),
    ("impact_delay_ms", -60_000, 60_000),
    ("beat_delay_ms", -60_000, 60_000),
    ("gravity_scale", 0.02, 10),
    ("energy_gain", 0, 10),
    ("teleport", -10, 10),
    ("flicker", 0, 1),
    ("freeze_from_s", 0, 600),
    ("text_garbled", 0, 1000),
)

#: Named sets of options. ``broken`` degrades what the demo's metrics look at: sound 8 frames late (at 25 a second), other faces after
#: cuts, and bodies that fall in half of gravity and leave each contact with a fifth more energy than they came with.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "sound": {},
    "broken": {"sound_delay_ms": 320.0, "swap_identity_at_cut": True, "gravity_scale": 0.5, "energy_gain": 0.2},
}


#: Old names of options, which stored runs and files of generators use. They mean the same, and are listed nowhere.
OLD_NAMES: Mapping[str, str] = {
    "sound_shift_ms": "sound_delay_ms",
    "impact_shift_ms": "impact_delay_ms",
    "beat_shift_ms": "beat_delay_ms",
}


def degradation_of(preset: str = "", **options: Any) -> SceneDegradation:
    """The degradation that a generator's options describe; an option of its own overrides the preset's. Raises SeedBenchError.

    Names of :data:`OLD_NAMES` are read as the new ones; an option given under both is refused.

    >>> degradation_of("broken", gravity_scale=1.0).asked()
    {'sound_delay_ms': 320.0, 'swap_identity_at_cut': True, 'energy_gain': 0.2}
    """
    if preset and preset not in PRESETS:
        raise SeedBenchError(f"simulator: there is no preset {preset!r}{did_you_mean(preset, PRESETS, list_known=True)}")
    known = {field.name for field in fields(SceneDegradation)}
    asked: dict[str, Any] = {}
    for name, value in options.items():
        option = OLD_NAMES.get(name, name)
        if option not in known:
            raise SeedBenchError(f"simulator: there is no option {name!r}{did_you_mean(name, {'preset', *known}, list_known=True)}")
        if option in asked:
            raise SeedBenchError(f"simulator: {option} is given twice, once by its old name; give it once")
        asked[option] = value
    return SceneDegradation(**{**PRESETS.get(preset, {}), **asked})
