"""The shards of a training as cells and as latents: made once, by the first process, in folders named after what they depend on."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from seedbench.errors import GeneratorError
from seedbench.generators.reference.model import ReferenceModel, Tokenizers
from seedbench.generators.reference.tokenizer import Grid
from seedbench.generators.reference.tokens import Vocabulary
from seedbench.generators.reference.training import cache
from seedbench.generators.reference.training.cells import Cells
from seedbench.generators.reference.training.latents import Example, vocabulary_of
from seedbench.generators.reference.training.rows import told
from seedbench.generators.reference.training.running import by_the_first
from seedbench.generators.reference.training.setup import Files, Work, device, stage_file, trained_grid


def cells_of_files(work: Work, of: Files, grid: Grid) -> Cells:
    """The cells of shards."""
    return cache.read_cells(of.all, _cells_folder(work, of, grid))


def _cells_folder(work: Work, of: Files, grid: Grid) -> Path:
    """The folder with the cells of shards, made where they are not there."""
    weights = b"".join(one.detach().numpy().tobytes() for one in grid.state_dict().values())
    folder = work.out / "cells" / cache.key_of(weights, of.names)

    def make() -> None:
        grid.eval().requires_grad_(False).to(device(work))
        at = iter(range(1, len(of.all) + 1))
        cache.cells(of.all, grid, folder, tick=lambda: work.report(f"cells: {next(at)} of {len(of.all)} files"))
        (folder / "done").touch()

    by_the_first(folder / "done", make)
    return folder


def vocabulary_for(work: Work) -> Vocabulary:
    """The words and sounds of what is learned, or those of the weights it starts from."""
    if work.start is not None:
        return ReferenceModel.load("joint", work.start).vocabulary
    sizes = work.config.transformer
    return vocabulary_of(told(work.learned.all), max_words=sizes.words, max_symbols=sizes.symbols)


def examples_for(work: Work, of: Files, vocabulary: Vocabulary) -> list[Example]:
    """Shards through the tokenizers as they are exported (rounded to what the file holds)."""
    tokenizers = Tokenizers.load(work.tokenizers)
    size, world = tokenizers.video.config, work.config.world
    if (size.width, size.height) != (world.width, world.height):
        raise GeneratorError(
            f"{work.tokenizers} is for pictures of {size.width} x {size.height}, the config's world has {world.width} x {world.height}"
        )
    grid = grid_for_cells(work, tokenizers)
    folder = work.out / "latents" / cache.key_of(work.tokenizers.read_bytes(), cache.key_of_words(vocabulary), of.names)

    def make() -> None:
        cells = _cells_folder(work, of, grid)
        for part in (tokenizers.video, tokenizers.sound):
            part.eval().requires_grad_(False).to(device(work))
        at = iter(range(1, len(of.all) + 1))

        def tick() -> None:
            work.report(f"latents: {next(at)} of {len(of.all)} files")

        cache.encoded(of.all, cells, tokenizers, vocabulary, folder, tick=tick)
        (folder / "done").touch()

    by_the_first(folder / "done", make)
    return cache.read([folder / file.name for file in of.all])


def grid_for_cells(work: Work, tokenizers: Tokenizers) -> Grid:
    """The grid of the stages if it is the tokenizers' but for their rounding (its cells are there), else the tokenizers' own."""
    from safetensors.torch import load_file

    file = stage_file(work, "grid")
    if file.exists():
        stored, exported = load_file(file), tokenizers.video.grid.state_dict()
        # Cells come of the encoder; the decoder is trained on after the stage.
        encoder = [name for name in exported if not name.startswith("up.")]
        if all(name in stored and _rounded_alike(stored[name], exported[name]) for name in encoder):
            return trained_grid(work)
    return tokenizers.video.grid


def _rounded_alike(one: Tensor, rounded: Tensor) -> bool:
    """Whether a weight is another one but for the rounding of :meth:`ReferenceModel.save`."""
    return one.shape == rounded.shape and bool(((one - rounded).abs() <= 0.01 * rounded.abs().amax(-1, keepdim=True) + 1e-6).all())
