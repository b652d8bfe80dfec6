"""The settings of a training, read from a YAML file: a shipped one (``nano``, ``base``, ``large``) or the user's own.

The names of fields are the keys of the file, and are stored with trainings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seedbench.errors import GeneratorError, did_you_mean
from seedbench.files import yaml_model
from seedbench.generators.reference.shards import ShardJob, ShardSize, shard_jobs

FOLDER = Path(__file__).parent / "configs"
#: Sections that say how the training is done and watched: a training may resume with others. All other settings decide the weights.
RUNTIME_SECTIONS = frozenset({"machine", "validation"})
_Steps = Annotated[int, Field(ge=0, description="Steps of training; 0 keeps the weights of --start as they are.")]
_Rate = Annotated[float, Field(gt=0, le=1, description="Largest learning rate of Muon; AdamW uses a twelfth of it.")]
_Channels = Annotated[int, Field(ge=8, multiple_of=8)]
_Side = Annotated[int, Field(ge=32, multiple_of=32, description="Pixels, a multiple of 32.")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClipSettings(_Section):
    """The clips of the simulator to train on."""

    seed: int = Field(default=0, ge=0, description="Seed of the prompts: another seed gives other people, sentences and places.")
    clips: int = Field(default=4500, ge=1, description="Clips of 1.6 to 6.4 s.")
    stills: int = Field(default=4000, ge=1, description="Single pictures of more people and places.")
    width: _Side = 224
    height: _Side = 128


class GridSettings(_Section):
    """The first stage of the video tokenizer: pictures to cells of 8 x 8 pixels."""

    steps: _Steps = 2500
    rate: _Rate = 0.01
    batch: int = Field(default=16, ge=2, description="Pictures in a batch.")
    cell: int = Field(default=8, ge=1, description="Numbers in a cell.")
    channels: tuple[_Channels, _Channels, _Channels] = Field(default=(24, 48, 96), description="Channels from fine to coarse.")


class CoderSettings(_Section):
    """The second stage: cells to the codes of a person, a shot and a picture's motion."""

    steps: _Steps = 7000
    rate: _Rate = 0.0015
    n_clips: int = Field(default=40, ge=1, description="Stretches of clips in a batch.")
    pictures: int = Field(default=5, ge=1, description="Pictures of each stretch.")
    n_stills: int = Field(default=120, ge=0, description="Stills in a batch.")
    person: int = Field(default=96, ge=1, description="Numbers in the code of a person.")
    shot: int = Field(default=64, ge=1, description="Numbers in the code of a shot.")
    motion: int = Field(default=16, ge=1, description="Numbers in the code of a picture.")
    told: int = Field(
        default=4, ge=0, le=4, description="How many of them are the acting: opening and width of the lips, lids, turn of the head."
    )
    seen: int = Field(default=512, ge=8, description="Width of the encoder.")
    hidden: int = Field(default=640, ge=8, description="Width of the decoder.")
    blocks: int = Field(default=3, ge=1, description="Depth of the decoder.")


class PolishSettings(_Section):
    """The training of both decoders together, from codes to pixels; the encoders are fixed."""

    steps: _Steps = 12000
    rate: _Rate = 0.0008
    batch: int = Field(default=18, ge=2, description="Pictures in a batch.")


class FacesSettings(_Section):
    """The painter of faces, which paints squares around heads again, guided by the person's code."""

    steps: _Steps = 5000
    rate: _Rate = 0.0015
    batch: int = Field(default=30, ge=2, description="Faces in a batch.")
    side: int = Field(default=96, ge=8, multiple_of=8, description="Pixels across a face's square, which is 1.4 heads wide.")
    channels: tuple[_Channels, _Channels, _Channels] = Field(default=(32, 64, 96), description="Channels from fine to coarse.")


class CodecSettings(_Section):
    """The sound tokenizer."""

    steps: _Steps = 2000
    rate: _Rate = 0.02
    batch: int = Field(default=24, ge=1, description="Pieces of sound in a batch.")
    codes: int = Field(default=24, ge=1, description="Codes (80 ms) in a piece.")
    code: int = Field(default=64, ge=1, description="Numbers in a code.")
    channels: int = Field(default=144, ge=1, description="Channels of the layers.")


class TransformerSettings(_Section):
    """The transformer of both twins."""

    width: int = Field(default=192, ge=8, description="Numbers in a token; heads times a multiple of 4.")
    depth: int = Field(default=6, ge=1, description="Layers that denoise.")
    heads: int = Field(default=3, ge=1, description="Heads of attention.")
    text_depth: int = Field(default=2, ge=0, description="Layers that read the script.")
    spread: int = Field(default=3, ge=1, description="How many times wider the middle of a feed-forward layer is.")
    words: int = Field(default=512, ge=1, description="Largest number of words in the vocabulary.")
    symbols: int = Field(default=128, ge=4, description="Largest number of characters of sounds in the vocabulary.")

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} is not {self.heads} heads times a multiple of 4")
        return self


class TwinsSettings(_Section):
    """The training of a twin; the same for both."""

    steps: _Steps = 6400
    rate: _Rate = 0.02
    batch: int = Field(default=20, ge=1, description="Clips in a batch, on each device; batches of stills have twice as many.")
    still_every: int = Field(default=5, ge=2, description="Every n-th batch is of stills.")


class MachineSettings(_Section):
    """How the training is done. These settings must not change a result."""

    precision: Literal["bf16-mixed", "32-true"] = Field(default="bf16-mixed", description="Precision of the layers.")
    accelerator: str = Field(default="auto", description="auto, cpu or gpu, as in Lightning.")
    devices: int | Literal["auto"] = Field(default="auto", description="Number of devices of a node.")
    nodes: int = Field(default=1, ge=1, description="Number of machines.")
    strategy: Literal["auto", "ddp", "fsdp"] = Field(
        default="auto", description="fsdp: the transformer is sharded over the devices; auto: ddp if there are several."
    )
    workers: int = Field(default=0, ge=0, description="Processes that read batches; 0: the training process itself.")
    checkpoint_every: int = Field(default=200, ge=1, description="Steps between checkpoints.")


class ValidationSettings(_Section):
    """What is measured during the training, with the EMA weights: the loss of every stage on held-out rows, and the metrics of
    clips that the twins make of held-out prompts."""

    loss_every: int = Field(default=500, ge=0, description="Steps of a stage between two measurements of its held-out loss; 0: never.")
    clips: int = Field(default=60, ge=1, description="Held-out clips.")
    stills: int = Field(default=120, ge=1, description="Held-out stills.")
    batches: int = Field(default=12, ge=1, description="Held-out batches, the same each time.")

    every: int = Field(default=1000, ge=0, description="Steps of a twin between two validations; 0: never.")
    prompts: int = Field(default=6, ge=1, description="Number of prompts.")
    metrics: tuple[str, ...] = Field(
        default=("lipsync", "identity", "impact", "video_distance"),
        description="Metrics, by their registered names; distances are to the simulator's clips of the same prompts.",
    )
    sampling_steps: int = Field(default=24, ge=1, description="Steps of denoising.")


class Config(_Section):
    """All settings of a training."""

    seed: int = Field(default=0, ge=0, description="Seed of first weights, order of data and noise.")
    world: ClipSettings = ClipSettings()
    grid: GridSettings = GridSettings()
    coder: CoderSettings = CoderSettings()
    polish: PolishSettings = PolishSettings()
    faces: FacesSettings = FacesSettings()
    codec: CodecSettings = CodecSettings()
    transformer: TransformerSettings = TransformerSettings()
    twins: TwinsSettings = TwinsSettings()
    machine: MachineSettings = MachineSettings()
    validation: ValidationSettings = ValidationSettings()

    def jobs(self, folder: Path) -> list[ShardJob]:
        """The jobs of the shard files to train on.

        Args:
            folder: The folder of the files.

        Returns:
            One job for each file.
        """
        return self._jobs(folder, self.world.clips, self.world.stills, self.world.seed)

    def held_out_jobs(self, folder: Path) -> list[ShardJob]:
        """The jobs of the held-out shard files, whose prompts have another seed.

        Args:
            folder: The folder of the files.

        Returns:
            One job for each file; none if the held-out loss is never measured.
        """
        validation = self.validation
        if not validation.loss_every:
            return []
        return self._jobs(folder, validation.clips, validation.stills, self.world.seed + 1)

    def _jobs(self, folder: Path, clips: int, stills: int, seed: int) -> list[ShardJob]:
        return shard_jobs(folder, clips=clips, stills=stills, seed=seed, size=ShardSize(self.world.width, self.world.height))

    def deciding(self) -> dict[str, Any]:
        """The settings that decide the weights, by dotted name: ``{"twins.steps": 3600, ...}``."""
        plain = self.model_dump(mode="json", exclude=set(RUNTIME_SECTIONS))
        flat: dict[str, Any] = {}
        for name, value in plain.items():
            flat |= {f"{name}.{key}": setting for key, setting in value.items()} if isinstance(value, dict) else {name: value}
        return flat


def shipped() -> list[str]:
    """The names of the configs that come with SeedBench.

    >>> shipped()
    ['base', 'large', 'nano']
    """
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def load(name: str | Path) -> Config:
    """Load a config.

    Args:
        name: the name of a shipped config, or a YAML file.

    Raises:
        GeneratorError: there is no such config, or the file is not valid; the message names the line.
    """
    file = Path(name)
    if file.suffix not in (".yaml", ".yml"):
        if str(name) not in shipped():
            raise GeneratorError(
                f"there is no config {str(name)!r}{did_you_mean(str(name), shipped(), list_known=True)}, or name a YAML file"
            )
        file = FOLDER / f"{name}.yaml"
    return yaml_model.load(file, Config, GeneratorError)
