"""What a person of the simulator looks like, as numbers.

:func:`face_of` turns the few words of a :class:`seedbench.generators.simulator.stage_block.Look` into a :class:`Face`; what the words
leave open is drawn from the look's identity. Lengths are in half head heights: the crown is at y = -1, the chin at y = 1, the middle of
the face at x = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedbench.generators.simulator.stage_block import Look

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


# Digit of the code word for each trait, in the order of their use: found by search so that any two words differ in traits that move
# dlib's embedding by at least four fifths of what half of all traits do.
_POSITIONS = (12, 13, 11, 2, 7, 0, 15, 4, 9, 1, 3, 8, 6, 5, 10, 14)


class _Draws:
    """Numbers in 0..1 for one identity.

    ``trait`` is for what face recognition notices most: the low or high end of a range, as one of 16 digits of a code word.
    Within 32 consecutive identities (0-31, 32-63, ...) any two words differ in at least eight of the 16 digits (first-order
    Reed-Muller code), so no two of these people share most of their traits by chance. ``free`` is an ordinary seeded draw.
    """

    def __init__(self, identity: int) -> None:
        self._rng = np.random.default_rng([identity & 0xFFFFFFFF, 0x5EEDFACE])
        block = np.random.default_rng([(identity >> 5) & 0xFFFFFFFF, 0xB10C])
        flipped = block.integers(0, 2, 16) if identity >> 5 else np.zeros(16, np.int64)
        word = (identity * 11 + 5) & 31
        self._digits = [code_digit(word, position) ^ int(flipped[position]) for position in _POSITIONS]

    def trait(self) -> float:
        """The next of sixteen: 0..0.3 or 0.7..1."""
        return self._digits.pop(0) * 0.7 + 0.3 * self.free()

    def free(self) -> float:
        """Next seeded number."""
        return float(self._rng.random())


def code_digit(word: int, position: int) -> int:
    """Digit ``position`` (0..15) of code word ``word`` (0..31) of the first-order Reed-Muller code of length 16.

    >>> distances = {sum(code_digit(a, k) != code_digit(b, k) for k in range(16)) for a in range(32) for b in range(a)}
    >>> sorted(distances)
    [8, 16]
    """
    return ((word & 15 & position).bit_count() + (word >> 4)) & 1


# Of a face shape: half width, jaw fullness, jaw width, chin roundness.
_SHAPES = {
    "round": (0.80, 2.5, 1.02, 0.50),
    "oval": (0.71, 2.1, 0.95, 0.56),
    "long": (0.63, 2.5, 0.94, 0.52),
    "square": (0.75, 3.2, 1.06, 0.46),
}


_STYLES: tuple[HairStyle, ...] = ("short", "short", "curly", "long", "long", "bald")
_COLLARS: tuple[Collar, ...] = ("crew", "crew", "v", "shirt")


def face_of(look: Look) -> Face:
    """The face that ``look`` describes; the same look gives the same face.

    >>> face_of(Look(identity=3)) == face_of(Look(identity=3)), face_of(Look(identity=3)) == face_of(Look(identity=4))
    (True, False)
    """
    draws = _Draws(look.identity)
    # sixteen traits by which face recognition tells people apart (in the order of how much it heeds them)
    nose_width, nose_length, eye_x, eye_y, brow_gap, lip_drop, tone, arch = (draws.trait() for _ in range(8))
    eye_tilt, mouth_width, softness, brow_thickness, brow_tilt, eye_length, cheek_fat, lip_fullness = (draws.trait() for _ in range(8))

    def between(low: float, high: float) -> float:
        return _at(low, high, draws.free())

    skin = look.skin or _pick(list(SKINS), tone)
    half_width, fullness, jaw_width, chin = _SHAPES[look.face or _pick(list(_SHAPES), draws.free())]
    strong = 1.0 - softness
    age = draws.free()
    style = look.hair_style or _STYLES[int(draws.free() * len(_STYLES))]
    dark_skinned = skin in ("brown", "dark")
    usual_hair = ["black", "brown"] if dark_skinned else ["black", "brown", "blond", "red"]
    hair = look.hair or ("grey" if age > 0.85 else _pick(usual_hair, draws.free()))
    bearded = look.beard if look.beard is not None else softness < 0.5 and draws.free() < 0.45
    glasses = look.glasses if look.glasses is not None else draws.free() < 0.3
    eye_colour = look.eyes or _pick(["brown"] if dark_skinned else ["brown", "brown", "green", "blue", "grey"], draws.free())
    clothes = look.clothes or _pick(list(CLOTHES), draws.free())
    hair_colour = _jitter(HAIRS[hair], draws, 8)
    nose_y = _at(0.32, 0.470, nose_length)
    return Face(
        identity=look.identity,
        half_width=half_width + between(-0.025, 0.025),
        jaw_fullness=fullness + 0.4 * (strong - 0.5) + between(-0.1, 0.1),
        jaw_width=jaw_width + 0.05 * (strong - 0.5),
        chin_roundness=chin + between(-0.03, 0.03),
        cheekbones=draws.free(),
        cheek_fat=cheek_fat,
        chin_bump=between(0.2, 1.2),
        age=age,
        ears=between(0.7, 1.2),
        eye_y=_at(-0.065, 0.055, eye_y),
        eye_x=_at(0.265, 0.375, eye_x) * (0.55 + 0.45 * half_width / 0.72),
        eye_length=_at(0.120, 0.182, eye_length),
        eye_open=_at(0.042, 0.092, 0.5 * draws.free() + 0.5 * softness),
        eye_tilt=_at(-0.26, 0.32, eye_tilt),
        eye_depth=between(0.1, 1.1),
        lid_fold=draws.free(),
        iris_size=between(0.066, 0.081),
        makeup=max(0.0, softness - 0.55) * 2.2 * (0.0 if bearded else 1.0),
        brow_gap=_at(0.108, 0.205, brow_gap),
        brow_thickness=_at(0.020, 0.092, 0.7 * brow_thickness + 0.3 * strong),
        brow_length=between(0.19, 0.25),
        brow_arch=_at(0.0, 0.085, arch),
        brow_tilt=_at(-0.16, 0.20, brow_tilt),
        brow_density=between(0.4, 1.0),
        nose_y=nose_y,
        nose_width=_at(0.100, 0.235, nose_width),
        nose_bridge=between(0.0, 1.2),
        nose_height=between(0.5, 1.45),
        nose_tip=between(0.0, 1.2),
        mouth_y=nose_y + _at(0.185, 0.255, lip_drop),
        mouth_width=_at(0.232, 0.335, mouth_width),
        upper_lip=_at(0.032, 0.092, lip_fullness),
        lower_lip=_at(0.055, 0.125, 0.7 * lip_fullness + 0.3 * draws.free()),
        cupid=draws.free(),
        lip_red=between(0.15, 0.55) + (0.0 if bearded else 0.45 * max(0.0, softness - 0.55)),
        hair_style=style,
        hair_line=between(-0.74, -0.48),
        hair_volume=between(0.3, 1.0),
        hair_part=between(-1.0, 1.0),
        widow_peak=between(-0.4, 1.0),
        beard=between(0.65, 0.95) if bearded else 0.0,
        moustache=between(0.5, 0.85) if bearded else 0.0,
        stubble=max(0.0, strong - 0.45) * draws.free(),
        glasses=glasses,
        glasses_round=draws.free(),
        glasses_dark=between(0.3, 1.0),
        freckles=max(0.0, draws.free() - 0.6) * 2.0 if skin in ("fair", "light") else 0.0,
        collar=_COLLARS[int(draws.free() * len(_COLLARS))],
        skin=_jitter(SKINS[skin], draws, 7),
        hair=hair_colour,
        brow=_brow_colour(hair_colour, hair),
        eyes=_jitter(EYES[eye_colour], draws, 8),
        clothes=_jitter(CLOTHES[clothes], draws, 6),
    )


def _at(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


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
