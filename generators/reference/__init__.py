"""The reference model: a small joint audio-video generator that anyone can run, inspect and retrain, and its cascaded twin.

``reference:twin=joint`` (the default) denoises pictures and sound together; ``reference:twin=cascaded`` makes pictures first, then sound
for them. Both have the same layers, data and training steps. docs/reference-model.md is the model card. Large libraries are imported
when a clip is made, so that listing generators is fast.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from seedbench.errors import GeneratorError
from seedbench.generators.reference.twins import TWINS, temperature_of
from seedbench.plugins.generator import Capabilities, Generation, Generator, Request

if TYPE_CHECKING:
    from seedbench.generators.reference.model import ReferenceModel
    from seedbench.suites.prompt import Prompt

__all__ = ["Reference"]

#: Increased whenever the same request, weights and options give another clip.
VERSION = 11


class Reference(Generator):
    """The reference model.

    Args:
        twin: ``joint`` or ``cascaded``.
        weights: a folder of trained weights; empty: the weights that ship with SeedBench.
        steps: steps of denoising.
        guidance: how strongly the prompt is followed, 1: as trained. Of what is above 1, people's looks get a quarter.
        temperature: deviation of the first noise, 1: as trained. Below 1, clips are more likely and less diverse. None: the default of
            the twin, which depends on whether people are seen.

    Raises:
        GeneratorError: an option is out of its range.
    """

    name: ClassVar[str] = "reference"
    libraries: ClassVar[tuple[str, ...]] = ("librosa", "torch")

    def __init__(
        self, *, twin: str = "joint", weights: str = "", steps: int = 24, guidance: float = 3.0, temperature: float | None = None
    ) -> None:
        if twin not in TWINS:
            raise GeneratorError(f"there is no twin {twin!r}: choose {' or '.join(TWINS)}")
        if type(steps) is not int or not 1 <= steps <= 1000:
            raise GeneratorError(f"steps must be a whole number from 1 to 1000, not {steps!r}")
        for option, value, most in (("guidance", guidance, 20), ("temperature", 1 if temperature is None else temperature, 2)):
            if type(value) not in (int, float) or not 0 <= value <= most:
                raise GeneratorError(f"{option} must be a number from 0 to {most}, not {value!r}")
        self.twin, self.weights, self.steps = twin, str(weights), steps
        self.guidance, self.temperature = float(guidance), None if temperature is None else float(temperature)

    def capabilities(self) -> Capabilities:
        """The tasks and lengths that it was trained for; the same request gives the same clip."""
        from seedbench.generators.reference.limits import CAPABILITIES

        return CAPABILITIES

    def identity(self, prompt: Prompt, seed: int) -> dict[str, Any]:
        """What decides a clip besides the prompt and the seed: a changed default is another generator.

        Args:
            prompt: The prompt.
            seed: The seed.

        Returns:
            The version of the code, the sha256 of the weights, and the values of all options.

        Raises:
            GeneratorError: There are no weights.
        """
        weights = _digest(self.twin, self._folder())
        return {
            "reference": VERSION,
            "weights": weights,
            "steps": self.steps,
            "guidance": self.guidance,
            "temperature": temperature_of(self.twin, people=bool(prompt.cast)) if self.temperature is None else self.temperature,
        }

    def generate(self, request: Request, directory: Path) -> Generation:
        """Make a clip, or refuse what the model was not trained for.

        Each clip is computed alone and on one thread: sums over a padded batch, or split among threads, are rounded differently, and the
        clip would have other bytes.

        Args:
            request: The prompt with its seed, size and assets.
            directory: The folder that ``clip.mp4`` is written into.

        Returns:
            The clip, or a refusal with its reason.

        Raises:
            GeneratorError: There are no weights, or an asset cannot be used.
            ClipError: An asset that is a clip cannot be read.
        """
        from seedbench.generators.reference.flow import Sampling
        from seedbench.generators.reference.generate import generate
        from seedbench.generators.reference.limits import refusal_of

        refusal = refusal_of(request.prompt)
        if refusal:
            return Generation(status="refused", reason=refusal, seed_used=request.seed)
        model = _model(self.twin, self._folder())
        return generate(model, request, directory, Sampling(self.steps, self.guidance, self.temperature))

    def _folder(self) -> Path:
        from seedbench.generators.reference.model import SHIPPED

        return Path(self.weights).expanduser() if self.weights else SHIPPED


@functools.lru_cache(maxsize=2)
def _model(twin: str, folder: Path) -> ReferenceModel:
    from seedbench.generators.reference.model import ReferenceModel

    return ReferenceModel.load(twin, folder)  # type: ignore[arg-type]


@functools.cache
def _digest(twin: str, folder: Path) -> str:
    from seedbench.generators.reference.model import weights_digest

    return weights_digest(twin, folder)
