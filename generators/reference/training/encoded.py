"""The shards of a training as cells and as latents: written once, in folders whose names depend on all that decides them."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from seedbench.errors import GeneratorError
from seedbench.generators.reference.model import ReferenceModel, Tokenizers
from seedbench.generators.reference.tokenizer import Grid
from seedbench.generators.reference.tokens import Vocabulary
from seedbench.generators.reference.training import cache
from seedbench.generators.reference.training.cells import Cells
from seedbench.generators.reference.training.latents import TrainingExample, vocabulary_of
from seedbench.generators.reference.training.rows import prompt_rows
from seedbench.generators.reference.training.running import make_once
from seedbench.generators.reference.training.setup import ShardFiles, TrainingSetup, device, stage_file, trained_grid


def load_cells(setup: TrainingSetup, files: ShardFiles, grid: Grid) -> Cells:
    """The cells of shard files, encoded by ``grid`` if they are not there yet."""
    return cache.read_cells(files.all, _cells_folder(setup, files, grid))


def _cells_folder(setup: TrainingSetup, files: ShardFiles, grid: Grid) -> Path:
    """The folder with the cells of shard files, written if they are not there yet."""
    weights = b"".join(tensor.detach().numpy().tobytes() for tensor in grid.state_dict().values())
    folder = setup.out / "cells" / cache.key_of(weights, files.names)

    def write() -> None:
        grid.eval().requires_grad_(False).to(device(setup))
        numbers = iter(range(1, len(files.all) + 1))

        def report_file() -> None:
            setup.report(f"cells: {next(numbers)} of {len(files.all)} files")

        cache.write_cells(files.all, grid, folder, after_file=report_file)
        (folder / "done").touch()

    make_once(folder / "done", write)
    return folder


def training_vocabulary(setup: TrainingSetup) -> Vocabulary:
    """The words and sounds of the training rows, or those of the weights that the training starts from."""
    if setup.start is not None:
        return ReferenceModel.load("joint", setup.start).vocabulary
    sizes = setup.config.transformer
    return vocabulary_of(prompt_rows(setup.training_files.all), max_words=sizes.words, max_symbols=sizes.symbols)


def load_examples(setup: TrainingSetup, files: ShardFiles, vocabulary: Vocabulary) -> list[TrainingExample]:
    """Shard files as training examples, encoded by the tokenizers as they are stored (rounded).

    Raises:
        GeneratorError: the tokenizers are for pictures of another size.
    """
    tokenizers = Tokenizers.load(setup.tokenizers_file)
    size, world = tokenizers.video.config, setup.config.world
    if (size.width, size.height) != (world.width, world.height):
        sizes = f"pictures of {size.width} x {size.height}, the config's world has {world.width} x {world.height}"
        raise GeneratorError(f"{setup.tokenizers_file} is for {sizes}: put the tokenizers of this size there")
    grid = grid_for_cells(setup, tokenizers)
    folder = setup.out / "latents" / cache.key_of(setup.tokenizers_file.read_bytes(), cache.vocabulary_bytes(vocabulary), files.names)

    def write() -> None:
        cells = _cells_folder(setup, files, grid)
        for module in (tokenizers.video, tokenizers.sound):
            module.eval().requires_grad_(False).to(device(setup))
        numbers = iter(range(1, len(files.all) + 1))

        def report_file() -> None:
            setup.report(f"latents: {next(numbers)} of {len(files.all)} files")

        cache.write_examples(files.all, cells, tokenizers, vocabulary, folder, after_file=report_file)
        (folder / "done").touch()

    make_once(folder / "done", write)
    return cache.read_examples([folder / file.name for file in files.all])


def grid_for_cells(setup: TrainingSetup, tokenizers: Tokenizers) -> Grid:
    """The grid whose cells the examples are made of.

    Returns:
        The grid of the stage if the tokenizers' grid is the same except for rounding (its cells are stored already); otherwise the
        tokenizers' own grid.
    """
    from safetensors.torch import load_file

    file = stage_file(setup, "grid")
    if file.exists():
        stored, exported = load_file(file), tokenizers.video.grid.state_dict()
        # Only the encoder makes cells; the decoder is trained on after the stage.
        encoder = [name for name in exported if not name.startswith("up.")]
        if all(name in stored and _equal_but_for_rounding(stored[name], exported[name]) for name in encoder):
            return trained_grid(setup)
    return tokenizers.video.grid


def _equal_but_for_rounding(weight: Tensor, rounded: Tensor) -> bool:
    """Whether ``rounded`` is ``weight`` as :meth:`ReferenceModel.save` rounds it."""
    tolerance = 0.01 * rounded.abs().amax(-1, keepdim=True) + 1e-6
    return weight.shape == rounded.shape and bool(((weight - rounded).abs() <= tolerance).all())
