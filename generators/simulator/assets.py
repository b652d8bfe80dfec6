"""Draws the reference assets of the shipped suites: ``python -m seedbench.generators.simulator.assets datasets``.

Portraits follow the looks that the suites' references declare; everything else is listed here. The same simulator draws the same
assets, so they can be made again at any time.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.generators.simulator import Simulator
from seedbench.generators.simulator.speech import speak
from seedbench.generators.simulator.stage_block import Look, block_of
from seedbench.generators.simulator.staging import StagedEvent, StagedPerson, StagedShot, prompt_with_stage
from seedbench.plugins.generator import Request
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Line, Music, Prompt, ReferenceAsset

SEED = 5
PORTRAIT_PX = 320
FILM_SIZE = (320, 192)
VOICE_RATE = 16000
VOICES = {"voice-high.wav": "high", "voice-low.wav": "low"}
VOICE_TEXT = "The harbour is quiet in the morning, and the boats are still asleep."
PLACES = ("street", "park", "room")


def films() -> dict[str, Prompt]:
    """The clips that references play from, by file name, as prompts of the simulator."""
    anna = StagedPerson("anna", portraits()["anna.png"], "high")
    still = StagedShot(start_s=0, end_s=2.4, framing="wide", place="studio")
    swing = StagedEvent(kind="pendulum", object="wooden ball", start_s=0, height_m=1.0, sound=False)
    return {
        "talk.mp4": prompt_with_stage(
            "talk",
            "",
            "talking",
            duration_s=3.0,
            cast=(anna,),
            shots=(StagedShot(start_s=0, end_s=3.0, cast=("anna",), framing="medium", place="studio"),),
            speech=(Line(character="anna", text="The early train is always late.", start_s=0.3),),
        ),
        "pendulum.mp4": prompt_with_stage("pendulum", "", "motion", duration_s=2.4, shots=(still,), events=(swing,)),
        "pan.mp4": prompt_with_stage("pan", "", "sound", duration_s=2.4, shots=(replace(still, camera="pan", place="street"),)),
    }


def portraits() -> dict[str, Look]:
    """File name and look of every image reference that declares one."""
    return {Path(item.path).name: look for _, item, look in _references() if item.kind == "image" and look is not None}


def draw(datasets: Path) -> list[Path]:
    """Write every asset the suites of ``datasets`` name; returns the files written."""
    wanted = {suite / item.path for suite, item, _ in _references(datasets)}
    drawn = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, file in enumerate(sorted(wanted)):
            directory = Path(scratch) / str(number)
            directory.mkdir()
            file.parent.mkdir(parents=True, exist_ok=True)
            draw_one(file, directory)
            drawn.append(file)
    return drawn


def _references(datasets: Path | None = None) -> Iterator[tuple[Path, ReferenceAsset, Look | None]]:
    """Every reference of the suites with the folder of its suite, and the look it shows."""
    for name in ("quick", "core"):
        suite = load_suite(name if datasets is None else datasets / name, check_files=False)
        for prompt in suite.prompts:
            looks = block_of(prompt).references
            for item in prompt.references:
                yield suite.root, item, looks.get(item.id)


def draw_one(file: Path, directory: Path) -> None:
    """Draw one asset, known by its file's name; ``directory`` is for temporary files. ValueError for any other name."""
    looks, clips = portraits(), films()
    if file.name in clips:
        shutil.copyfile(_render(clips[file.name], directory, *FILM_SIZE), file)
    elif file.name in looks:
        person = StagedPerson("p", looks[file.name])
        shot = StagedShot(start_s=0, end_s=0.5, cast=("p",), framing="close", place="studio")
        _still(prompt_with_stage("p", "", "talking", duration_s=0.5, cast=(person,), shots=(shot,)), directory, file)
    elif file.stem in PLACES:
        stage = {"shots": [{"framing": "wide", "place": file.stem}]}
        _still(Prompt.model_validate({"id": "p", "text": "", "task": "talking", "duration_s": 0.5, "stage": stage}), directory, file)
    elif file.name in VOICES:
        voice = speak(VOICE_TEXT, voice="high" if VOICES[file.name] == "high" else "low", seed=SEED)
        _write_wav(file, voice.samples, voice.rate)
    elif file.name == "rhythm-100.wav":
        music = Prompt(id="m", text="", task="music", duration_s=4.8, music=Music(tempo_bpm=100))
        _write_wav(file, Clip.open(_render(music, directory, 64, 64)).audio(VOICE_RATE).samples, VOICE_RATE)
    elif file.name == "watercolour.png":
        _write_png(file, watercolour(PORTRAIT_PX, SEED))
    else:
        raise ValueError(f"{file} is not an asset of the shipped suites, so it is not known how to draw it")


def watercolour(side: int, seed: int) -> np.ndarray:
    """Loose washes of colour on white paper, (side, side, 3) uint8 RGB."""
    import cv2

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    paper = np.full((side, side, 3), 250.0)
    grain = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), 6) * 6
    for _ in range(14):
        centre, radius = rng.random(2), rng.uniform(0.1, 0.28)
        colour = rng.uniform([20, 60, 90], [220, 180, 230])
        edge = np.hypot(x - centre[0], (y - centre[1]) * rng.uniform(0.7, 1.4)) + 0.06 * grain
        wash = np.clip((radius - edge) / 0.03, 0, 1) * (0.25 + 0.25 * np.exp(-(((radius - edge) / 0.02) ** 2)))
        paper += wash[..., None] * (colour - paper)
    return np.clip(paper + 2 * grain[..., None], 0, 255).astype(np.uint8)


def _render(prompt: Prompt, directory: Path, width: int, height: int) -> Path:
    generation = Simulator().generate(Request(prompt=prompt, seed=SEED, width=width, height=height), directory)
    if generation.file is None:
        raise ValueError(f"the simulator could not draw {prompt.id}: {generation.reason}")
    return generation.file


def _still(prompt: Prompt, directory: Path, file: Path) -> None:
    clip = Clip.open(_render(prompt, directory, PORTRAIT_PX, PORTRAIT_PX))
    _write_png(file, clip.video.rgb[len(clip.video.rgb) // 2])


def _write_png(file: Path, rgb: np.ndarray) -> None:
    import cv2

    cv2.imwrite(str(file), np.ascontiguousarray(rgb[..., ::-1]))


def _write_wav(file: Path, samples: np.ndarray, rate: int) -> None:
    import soundfile
    from scipy.signal import resample_poly

    soundfile.write(file, samples if rate == VOICE_RATE else resample_poly(samples, 1, rate // VOICE_RATE), VOICE_RATE, subtype="PCM_16")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the reference assets of the shipped suites.")
    parser.add_argument("datasets", type=Path, help="the folder that holds quick/ and core/")
    for path in draw(parser.parse_args().datasets):
        print(path)
