"""The simulator: a drawn world whose every fact is known, and which can degrade a scene by a stated amount.

It renders a prompt from its structured fields (cast, shots, speech, events, music, text_in_frame, references) and its stage block
(:mod:`stage_block`), and never reads the text.
Heavy imports wait until a clip is made, so that listing generators stays quick.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from seedbench.errors import GenerationRefusedError, GeneratorError
from seedbench.generators.simulator.degradations import PRESETS, SceneDegradation, degradation_of
from seedbench.plugins.generator import Capabilities, Generation, Generator, Refusal, Request

if TYPE_CHECKING:
    from seedbench.suites.prompt import Prompt

__all__ = ["PRESETS", "SceneDegradation", "Simulator"]

#: Raised whenever the same prompt, seed and options give another clip; part of what a run's cells are keyed by.
VERSION = 3


class Simulator(Generator):
    """Draws, speaks and plays prompts, and can degrade what it makes by known amounts.

    Options: ``preset`` (``broken``: sound 320 ms late, faces swapped at cuts, bodies that gain energy), ``sound_delay_ms``,
    ``impact_delay_ms``, ``beat_delay_ms``, ``lips_random``, ``swap_identity_at_cut``, ``gravity_scale``, ``energy_gain``, ``teleport``,
    ``flicker``, ``freeze_from_s``, ``text_garbled``, ``mute``; docs/simulator.md explains each.
    """

    name: ClassVar[str] = "simulator"
    libraries: ClassVar[tuple[str, ...]] = ("espeakng-loader",)

    def __init__(self, *, preset: str = "", **options: Any) -> None:
        self.degradation = degradation_of(preset, **options)

    @classmethod
    def missing_requirements(cls) -> tuple[str, ...]:
        """A voice for prompts that talk."""
        from seedbench.generators.simulator.espeak import loader

        try:
            loader()
        except GeneratorError as error:
            return (str(error),)
        return ()

    def capabilities(self) -> Capabilities:
        """Every task, any size and rate, from a fifth of a second to a minute; the same request gives the same bytes."""
        return Capabilities(min_duration_s=0.2, max_duration_s=60.0, deterministic=True)

    def refusals(self, prompt: Prompt) -> list[Refusal]:
        """What of the prompt and of its stage block cannot be drawn."""
        from seedbench.generators.simulator.stage_block import refusals_of

        return refusals_of(prompt)

    def identity(self, prompt: Prompt, seed: int) -> dict[str, Any]:
        """The version of the simulator, so that clips of an older one are not taken for this one's."""
        return {"simulator": VERSION}

    def generate(self, request: Request, directory: Path) -> Generation:
        """Write ``clip.mp4`` and ``truth.json`` into ``directory``; refuse what cannot be drawn. Raises GeneratorError without a voice."""
        start = time.perf_counter()
        from seedbench.clips.writing import write_clip
        from seedbench.generators.simulator.plan import plan_scene
        from seedbench.generators.simulator.rendering import frames
        from seedbench.generators.simulator.soundtrack import RATE, record
        from seedbench.generators.simulator.truth import ground_truth

        try:
            scene = plan_scene(
                request.prompt, request.seed, width=request.width, height=request.height, fps=request.fps, degradation=self.degradation
            )
        except GenerationRefusedError as error:
            return Generation(status="refused", reason=str(error), seed_used=request.seed)
        sound = record(scene)
        file = write_clip(directory / "clip.mp4", frames(scene), request.fps, sound.samples, RATE)
        truth = ground_truth(scene, sound)
        (directory / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        return Generation(
            status="succeeded",
            file=file,
            seed_used=request.seed,
            latency_s=time.perf_counter() - start,
            cost_usd=0.0,
            truth=truth,
            facts={"broken": self.degradation.asked()},
        )
