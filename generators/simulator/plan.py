"""From a prompt to the plan of a scene: who stands where in which frames, what is spoken, what moves, what is heard and read, and when.

Everything is decided here, before a picture is painted or a sound is synthesised; :mod:`rendering` and :mod:`soundtrack` only carry it out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from seedbench.generators.simulator.acting import Acting, act
from seedbench.generators.simulator.body_painting import PixelScale
from seedbench.generators.simulator.body_plan import Body, bodies_of
from seedbench.generators.simulator.degradations import SceneDegradation
from seedbench.generators.simulator.looks import Face, face_of
from seedbench.generators.simulator.people import Placed, arrange, blend, other_person
from seedbench.generators.simulator.signs import SignBoard, check_letters, garbled, sign_board
from seedbench.generators.simulator.speech import SpokenText, speak
from seedbench.generators.simulator.staging import StagedPerson, StagedPrompt, resolve_stage
from seedbench.suites.prompt import Prompt

#: Zoom into the place behind people, blur (share of the height) for each framing.
_BEHIND = {"close": (1.35, 0.020), "medium": (1.15, 0.011), "wide": (1.0, 0.0015)}
#: Where a camera that sees people from the side looks.
_ASIDE = {"front": 0.0, "left": 0.7, "right": -0.7}
#: What other mouths say when lips follow another sentence.
_OTHER_LINES = (
    "Somewhere above the harbour a window was open all night, and nobody came to close it.",
    "My brother plays the tuba badly, but he plays it often and with great pleasure.",
    "Before lunch we moved five heavy boxes up to the attic, one by one.",
)


@dataclass(frozen=True)
class RandomStreams:
    """Seeded draws, a stream of its own for each subject, so that changing one thing of a scene leaves the others as they were."""

    seed: int
    key: str

    def rng(self, subject: str) -> np.random.Generator:
        """The stream of one subject."""
        return np.random.default_rng([self.seed & 0xFFFFFFFF, zlib.crc32(self.key.encode()), zlib.crc32(subject.encode())])

    def number(self, subject: str) -> int:
        """A number of 31 bits for one subject."""
        return int(self.rng(subject).integers(2**31))


@dataclass(frozen=True)
class SpokenLine:
    """A line with its sound; ``mouthed`` is what the lips do, which is something else where lips are degraded."""

    character: str
    text: str
    language: str
    start_s: float
    speech: SpokenText
    mouthed: SpokenText


@dataclass(frozen=True)
class Sign:
    """A sign in the picture from frame ``first`` to before ``last``: what was asked, what it reads, and its painted board."""

    asked: str
    shown: str
    first: int
    last: int
    board: SignBoard


@dataclass(frozen=True)
class ShotPlan:
    """A stretch of frames ``first`` to before ``last`` between two cuts.

    ``zoom``, ``blur`` and ``aside`` (-1..1) say how the place behind is seen; see :func:`scenery.view`.
    """

    index: int
    first: int
    last: int
    place: str
    light: str
    camera: str
    zoom: float
    blur: float
    aside: float
    people: tuple[Placed, ...]
    bodies: bool

    def camera_at(self, frame: int, width: int) -> tuple[float, float]:
        """Pixels the world has moved to the left, and the magnification about the picture's middle, in a frame."""
        share = (frame - self.first) / max(1, self.last - 1 - self.first)
        return ((share - 0.5) * 0.24 * width if self.camera == "pan" else 0.0), (1 + 0.10 * share if self.camera == "push" else 1.0)


@dataclass(frozen=True)
class ScenePlan:
    """A prompt as a timeline, for one seed, size and rate."""

    prompt: StagedPrompt
    streams: RandomStreams
    width: int
    height: int
    fps: int
    n_frames: int
    shots: tuple[ShotPlan, ...]
    lines: tuple[SpokenLine, ...]
    acting: dict[str, Acting]
    bodies: tuple[Body, ...]
    pixel_scale: PixelScale | None
    signs: tuple[Sign, ...]
    degradation: SceneDegradation

    @property
    def times_s(self) -> np.ndarray:
        """Times (T,) of the frames."""
        return np.arange(self.n_frames) / self.fps

    @property
    def cuts_s(self) -> list[float]:
        """Times of the first frame after each cut."""
        return [shot.first / self.fps for shot in self.shots[1:]]


def plan_scene(asked: Prompt, seed: int, *, width: int, height: int, fps: int, degradation: SceneDegradation) -> ScenePlan:
    """Settle everything about a clip. Raises GenerationRefusedError for what cannot be drawn, GeneratorError without a voice."""
    prompt = resolve_stage(asked)
    streams = RandomStreams(seed, prompt.sweep or prompt.id)
    n_frames = max(1, round(prompt.duration_s * fps))
    times_s = np.arange(n_frames) / fps
    lines = _spoken(prompt, streams, degradation)
    bodies, pixel_scale = bodies_of(prompt, streams.rng("bodies"), width=width, height=height, degradation=degradation)
    shots = _shots(prompt, degradation, width=width, height=height, fps=fps, n_frames=n_frames, bodies=bool(bodies))
    acting = {
        person.id: act(
            times_s, [(line.start_s, line.mouthed) for line in lines if line.character == person.id], streams.rng(f"acting {person.id}")
        )
        for person in prompt.cast
    }
    signs = _signs(prompt, shots, streams, degradation, width=width, height=height, fps=fps, n_frames=n_frames)
    return ScenePlan(prompt, streams, width, height, fps, n_frames, shots, lines, acting, bodies, pixel_scale, signs, degradation)


def face_for(character: StagedPerson, prompt: StagedPrompt) -> Face:
    """A character's face: as described; with a reference, as far towards the reference's as its strength says.

    A high voice goes without a beard unless one is asked for.
    """
    look = character.look
    if character.voice == "high" and look.beard is None:
        look = look.model_copy(update={"beard": False})
    own = face_of(look)
    reference = next((item for item in prompt.references if item.id == character.reference), None)
    if reference is None or reference.look is None:
        return own
    return blend(own, face_of(reference.look), reference.strength)


def _spoken(prompt: StagedPrompt, streams: RandomStreams, degradation: SceneDegradation) -> tuple[SpokenLine, ...]:
    voices = {person.id: person.voice for person in prompt.cast}
    lines = []
    for index, line in enumerate(prompt.speech):
        voice, timbre = voices[line.character], streams.number(f"voice {line.character}")
        speech = speak(line.text, language=line.language, voice=voice, seed=timbre)
        mouthed = speech
        if degradation.lips_random:
            other = _OTHER_LINES[(index + streams.number("other lines")) % len(_OTHER_LINES)]
            mouthed = _cut_to(speak(other, voice=voice, seed=timbre + 1), speech.duration_s)
        lines.append(SpokenLine(line.character, line.text, line.language, line.start_s, speech, mouthed))
    return tuple(lines)


def _cut_to(speech: SpokenText, duration_s: float) -> SpokenText:
    """The speech's beginning, so long."""
    phonemes = tuple(replace(item, end_s=min(item.end_s, duration_s)) for item in speech.phonemes if item.start_s < duration_s)
    return replace(speech, samples=speech.samples[: round(duration_s * speech.rate)], phonemes=phonemes, words=())


def _shots(
    prompt: StagedPrompt, degradation: SceneDegradation, *, width: int, height: int, fps: int, n_frames: int, bodies: bool
) -> tuple[ShotPlan, ...]:
    faces = {person.id: face_for(person, prompt) for person in prompt.cast}
    seen: list[str] = []
    for shot in prompt.shots:
        seen += [name for name in shot.cast if name not in seen]
    signed = bool(prompt.text_in_frame)
    bodies_alone = any(not shot.cast for shot in prompt.shots)
    plans: list[ShotPlan] = []
    for index, shot in enumerate(prompt.shots):
        first = round(shot.start_s * fps)
        last = n_frames if index == len(prompt.shots) - 1 else min(n_frames, round(shot.end_s * fps))
        if first >= last:
            continue
        worn = {name: name for name in shot.cast}
        shown = dict(faces)
        if degradation.swaps(index):
            for name in shot.cast:
                if len(seen) > 1:
                    worn[name] = seen[(seen.index(name) + 1) % len(seen)]
                    shown[name] = faces[worn[name]]
                else:
                    worn[name] = "stranger"
                    shown[name] = other_person(faces[name])
        people = arrange(
            [(name, worn[name], shown[name]) for name in shot.cast],
            framing=shot.framing,
            pose=shot.pose,
            width=width,
            height=height,
            beside_sign=signed,
        )
        zoom, blur = _BEHIND[shot.framing if shot.cast else "wide"]
        shows_bodies = bodies and (not shot.cast or (not bodies_alone and shot.framing == "wide"))
        aside = _ASIDE[shot.pose] if shot.cast else 0.0
        plans.append(ShotPlan(len(plans), first, last, shot.place, shot.light, shot.camera, zoom, blur, aside, people, shows_bodies))
    return tuple(plans)


def _signs(
    prompt: StagedPrompt,
    shots: tuple[ShotPlan, ...],
    streams: RandomStreams,
    degradation: SceneDegradation,
    *,
    width: int,
    height: int,
    fps: int,
    n_frames: int,
) -> tuple[Sign, ...]:
    signs: list[Sign] = []
    for index, sign in enumerate(prompt.text_in_frame):
        check_letters(sign.text)
        shown = garbled(sign.text, degradation.text_garbled, streams.rng(f"garble {index}")) if degradation.text_garbled else sign.text
        first = min(n_frames, round(sign.start_s * fps))
        last = n_frames if sign.end_s is None else min(n_frames, round(sign.end_s * fps))
        level = sum(other.first < last and first < other.last for other in signs)  # signs at one time stand one above the other
        for shot in shots:
            begin, end = max(first, shot.first), min(last, shot.last)
            if begin < end:
                beside = bool(shot.people)
                centre = ((0.27 if beside else 0.5) * width, (0.30 if beside else 0.40) * height + 0.2 * level * height)
                share = 0.36 if beside else 0.5
                painted = sign_board(shown, place=shot.place, width=width, height=height, centre=centre, text_width=share * width)
                signs.append(Sign(sign.text, shown, begin, end, painted))
    return tuple(signs)
