"""What a person of the simulator looks like, as numbers.

:func:`face_of` turns the few words of a :class:`seedbench.prompt.Look` into a :class:`Face`; what the words leave open is drawn from
the look's identity. Lengths are in half head heights: the crown is at y = -1, the chin at y = 1, the middle of the face at x = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedbench.prompt import Look

Colour = tuple[int, int, int]
HairStyle = Literal["short", "long", "bald", "curly"]
Collar = Literal["crew", "v", "shirt"]

SKINS: dict[str, Colour] = {
    "fair": (242, 208, 190),
    "light": (228, 184, 154),
    "tan": (201, 150, 112),
    "brown": (152, 104, 74),
    "dark": (104, 70, 52),
}
HAIRS: dict[str, Colour] = {
    "black": (30, 26, 26),
    "brown": (86, 56, 36),
    "blond": (208, 170, 102),
    "red": (156, 70, 34),
    "grey": (164, 163, 162),
    "blue": (48, 78, 170),
    "green": (52, 120, 66),
    "purple": (108, 58, 138),
}
EYES: dict[str, Colour] = {"brown": (84, 54, 32), "blue": (88, 134, 176), "green": (92, 122, 82), "grey": (126, 136, 142)}
CLOTHES: dict[str, Colour] = {
    "red": (178, 44, 44),
    "blue": (44, 84, 164),
    "green": (48, 122, 76),
    "yellow": (222, 188, 62),
    "white": (228, 228, 224),
    "black": (40, 40, 44),
    "orange": (216, 118, 44),
    "purple": (110, 62, 142),
}


@dataclass(frozen=True, kw_only=True)
class Face:
    """The numbers of one identity: where things are (half head heights), colours (RGB 0..255), and amounts 0..1."""

    identity: int
    # the head
    half_width: float
    jaw_fullness: float  # exponent of the lower outline: 1.7 pointed .. 3.4 square
    jaw_width: float  # jaw against cheekbones, 0.85..1.05
    chin_roundness: float  # 0.42 broad .. 0.72 pointed
    cheekbones: float
    cheek_fat: float
    chin_bump: float
    age: float
    ears: float
    # eyes and brows
    eye_y: float
    eye_x: float
    eye_length: float
    eye_open: float
    eye_tilt: float
    eye_depth: float
    lid_fold: float
    iris_size: float
    makeup: float
    brow_gap: float
    brow_thickness: float
    brow_length: float
    brow_arch: float
    brow_tilt: float
    brow_density: float
    # nose
    nose_y: float
    nose_width: float
    nose_bridge: float
    nose_height: float
    nose_tip: float
    # mouth
    mouth_y: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    cupid: float
    lip_red: float
    # hair and the like
    hair_style: HairStyle
    hair_line: float
    hair_volume: float
    hair_part: float
    widow_peak: float
    beard: float
    moustache: float
    stubble: float
    glasses: bool
    glasses_round: float
    glasses_dark: float
    freckles: float
    collar: Collar
    # colours
    skin: Colour
    hair: Colour
    brow: Colour
    eyes: Colour
    clothes: Colour


class _Draws:
    """Numbers in 0..1 for one identity.

    ``spread`` walks an additive recurrence (one irrational step per name), so that identities 0, 1, 2, ... lie far apart in each trait
    and in each pair of traits; ``free`` is an ordinary seeded draw.
    """

    def __init__(self, identity: int) -> None:
        self._identity = identity
        self._rng = np.random.default_rng([identity & 0xFFFFFFFF, 0x5EEDFACE])
        self._count = 0

    def spread(self) -> float:
        """Next evenly spread number, pushed towards both ends (arcsine law): a trait is rather strong or weak than middling."""
        step = math.sqrt(_PRIMES[self._count]) % 1.0
        self._count += 1
        even = (0.5 + 0.37 * self._count + self._identity * step) % 1.0
        return 0.5 - 0.5 * math.cos(math.pi * even)

    def free(self) -> float:
        """Next seeded number."""
        return float(self._rng.random())


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113)

# Of a face shape: half width, jaw fullness, jaw width, chin roundness.
_SHAPES = {
    "round": (0.80, 2.5, 1.02, 0.50),
    "oval": (0.71, 2.1, 0.95, 0.56),
    "long": (0.63, 2.5, 0.94, 0.52),
    "square": (0.75, 3.2, 1.06, 0.46),
}


def face_of(look: Look) -> Face:
    """The face that ``look`` describes; the same look gives the same face.

    >>> face_of(Look(identity=3)) == face_of(Look(identity=3)), face_of(Look(identity=3)) == face_of(Look(identity=4))
    (True, False)
    """
    draws = _Draws(look.identity)
    lie = _between(draws)
    skin = look.skin or _pick(list(SKINS), draws.spread())
    shape = look.face or _pick(list(_SHAPES), draws.spread())
    softness = draws.spread()  # 0: heavy brows, strong jaw, thin lips; 1: fine brows, large eyes, full lips
    age = draws.spread()
    style = look.hair_style or _pick(["short", "curly", "long", "short", "bald", "long"], draws.spread())
    dark_skinned = skin in ("brown", "dark")
    usual_hair = ["black", "brown"] if dark_skinned else ["black", "brown", "blond", "red"]
    hair = look.hair or ("grey" if age > 0.9 else _pick(usual_hair, draws.spread()))
    bearded = look.beard if look.beard is not None else softness < 0.4 and draws.free() < 0.55
    glasses = look.glasses if look.glasses is not None else draws.free() < 0.25
    half_width, fullness, jaw_width, chin = _SHAPES[shape]
    eye_colour = look.eyes or _pick(["brown", "brown", "green", "blue"] if not dark_skinned else ["brown"], draws.free())
    clothes = look.clothes or _pick(list(CLOTHES), draws.free())
    hair_colour = _jitter(HAIRS[hair], draws, 8)
    nose_length = draws.spread()
    strong = 1.0 - softness
    return Face(
        identity=look.identity,
        half_width=half_width + lie(-0.02, 0.02),
        jaw_fullness=fullness + 0.3 * (strong - 0.5) + lie(-0.1, 0.1),
        jaw_width=jaw_width + 0.04 * (strong - 0.5),
        chin_roundness=chin + lie(-0.03, 0.03),
        cheekbones=draws.spread(),
        cheek_fat=draws.spread(),
        chin_bump=lie(0.2, 1.0),
        age=age,
        ears=lie(0.7, 1.2),
        eye_y=lie(-0.04, 0.04),
        eye_x=_at(0.275, 0.365, draws.spread()) * (0.55 + 0.45 * half_width / 0.72),
        eye_length=_at(0.128, 0.180, draws.spread()),
        eye_open=_at(0.045, 0.092, 0.65 * draws.spread() + 0.35 * softness),
        eye_tilt=_at(-0.20, 0.26, draws.spread()),
        eye_depth=_at(0.1, 1.0, draws.spread()),
        lid_fold=draws.spread(),
        iris_size=lie(0.068, 0.080),
        makeup=max(0.0, softness - 0.55) * 2.2 * (0.0 if bearded else 1.0),
        brow_gap=_at(0.115, 0.20, 0.6 * draws.spread() + 0.4 * softness),
        brow_thickness=_at(0.022, 0.085, 0.5 * draws.spread() + 0.5 * strong),
        brow_length=lie(0.19, 0.25),
        brow_arch=_at(0.0, 0.075, 0.5 * draws.spread() + 0.5 * softness),
        brow_tilt=_at(-0.12, 0.16, draws.spread()),
        brow_density=_at(0.45, 1.0, draws.spread()),
        nose_y=_at(0.33, 0.47, nose_length),
        nose_width=_at(0.105, 0.225, 0.7 * draws.spread() + (0.3 if dark_skinned else 0.15 * strong)),
        nose_bridge=draws.spread(),
        nose_height=lie(0.6, 1.3),
        nose_tip=draws.spread(),
        mouth_y=_at(0.33, 0.47, nose_length) + _at(0.19, 0.27, draws.spread()),
        mouth_width=_at(0.205, 0.325, draws.spread()),
        upper_lip=_at(0.032, 0.088, 0.6 * draws.spread() + 0.4 * softness),
        lower_lip=_at(0.055, 0.120, 0.6 * draws.spread() + 0.4 * softness),
        cupid=lie(0.0, 1.0),
        lip_red=_at(0.15, 0.55, draws.free()) + 0.45 * max(0.0, softness - 0.55) * (0.0 if bearded else 1.0),
        hair_style=style,
        hair_line=_at(-0.74, -0.52, draws.spread()),
        hair_volume=lie(0.3, 1.0),
        hair_part=lie(-1.0, 1.0),
        widow_peak=lie(-0.4, 1.0),
        beard=lie(0.75, 1.0) if bearded else 0.0,
        moustache=lie(0.6, 1.0) if bearded else 0.0,
        stubble=0.6 * max(0.0, strong - 0.45) * draws.free(),
        glasses=glasses,
        glasses_round=draws.free(),
        glasses_dark=lie(0.3, 1.0),
        freckles=max(0.0, draws.free() - 0.6) * 2.0 if skin in ("fair", "light") else 0.0,
        collar="shirt" if draws.free() < 0.3 else "v" if draws.free() < 0.4 else "crew",
        skin=_jitter(SKINS[skin], draws, 7),
        hair=hair_colour,
        brow=_brow_colour(hair_colour, hair),
        eyes=_jitter(EYES[eye_colour], draws, 8),
        clothes=_jitter(CLOTHES[clothes], draws, 6),
    )


def _at(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _between(draws: _Draws):
    return lambda low, high: _at(low, high, draws.free())


def _pick(choices: list[str], share: float) -> str:
    return choices[min(len(choices) - 1, int(share * len(choices)))]


def _jitter(colour: Colour, draws: _Draws, amount: int) -> Colour:
    """A slightly other colour: brighter or darker, warmer or cooler."""
    light, warm = amount * (2 * draws.free() - 1), 0.5 * amount * (2 * draws.free() - 1)
    red, green, blue = (float(np.clip(channel + light + shift, 0, 255)) for channel, shift in zip(colour, (warm, 0.0, -warm), strict=True))
    return round(red), round(green), round(blue)


def _brow_colour(hair: Colour, name: str) -> Colour:
    """Brows are darker than the hair; dyed hair goes with dark brows."""
    if name in ("blue", "green", "purple"):
        return (48, 38, 34)
    red, green, blue = (round(channel * 0.62) for channel in hair)
    return red, green, blue
