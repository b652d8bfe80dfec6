"""The reference model: a small joint audio-video generator that anyone can run, open and retrain, and its cascaded twin.

``reference:twin=joint`` (the default) denoises pictures and sound together; ``reference:twin=cascaded`` makes pictures first and sound to
the finished pictures. Same layers, same data, same steps. docs/reference-model.md is the model card. Heavy imports wait until a clip
is made, so that listing generators stays quick.
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

#: Raised whenever the same request, weights and options give another clip.
VERSION = 10


class Reference(Generator):
    """The reference model. ``twin``: joint or cascaded; ``weights``: a folder of trained weights (empty: those shipped);
    ``steps``: of denoising; ``guidance``: how strongly the prompt is followed, 1: as trained (what is above it counts a quarter for
    people's looks); ``temperature``: how much of the noise it begins with, 1: as trained, less: likelier clips, and more alike (left out:
    what suits the twin and what is seen)."""

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
        """Tasks, sizes and lengths it was trained for; the same request gives the same clip."""
        from seedbench.generators.reference.limits import CAPABILITIES

        return CAPABILITIES

    def identity(self, prompt: Prompt, seed: int) -> dict[str, Any]:
        """The version of the code, the sha256 of the weights, and the options as they are: a default that changes is another generator."""
        weights = _digest(self.twin, self._folder())
        return {
            "reference": VERSION,
            "weights": weights,
            "steps": self.steps,
            "guidance": self.guidance,
            "temperature": temperature_of(self.twin, people=bool(prompt.cast)) if self.temperature is None else self.temperature,
        }

    def generate(self, request: Request, directory: Path) -> Generation:
        """Write ``clip.mp4`` into ``directory``; refuse by name what it was not trained for. Raises GeneratorError without weights.

        Each clip is computed alone and on one thread, also where several are asked for: sums over a padded batch, or shared among threads,
        are rounded otherwise, and the encoder makes other bytes of that.
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
