"""A reference model too small to have learned anything, with weights that make every code count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from seedbench.generators.reference.codec import CodecConfig, SoundCodec
from seedbench.generators.reference.model import CodeScale, ReferenceModel, Tokenizers
from seedbench.generators.reference.script import Script, Sound, Stretch
from seedbench.generators.reference.tokenizer import TokenizerConfig, VideoTokenizer
from seedbench.generators.reference.tokens import Vocabulary
from seedbench.generators.reference.transformer import KINDS, JointTransformer, TransformerConfig
from seedbench.suites.prompt import Character, Prompt, Shot

CODES = {"person": 16, "shot": 16, "video": 16, "sound": 16}
WORDS = ("a", "man", "woman", "with", "red", "black", "hair", "in", "studio", "close", ".", ",")


def tokenizers_of(seed: int) -> Tokenizers:
    """Tokenizers of pictures of 64 x 32, with random weights."""
    torch.manual_seed(seed)
    codes = {"person": 16, "shot": 16, "motion": 8, "cell": 4}
    face = {"face": 16, "face_channels": (8, 8, 8)}
    config = TokenizerConfig(width=64, height=32, channels=(8, 8, 8), seen=32, hidden=32, blocks=1, **codes, **face)
    return Tokenizers(_stirred(VideoTokenizer(config)), _stirred(SoundCodec(CodecConfig(code=16, channels=16))))


def _stirred(module: Any) -> Any:
    for weight in module.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return module.eval().requires_grad_(False)


def model_of(seed: int = 0, *, depth: int = 2) -> ReferenceModel:
    """A joint model whose every layer, head and code matters."""
    tokenizers = tokenizers_of(seed)
    config = TransformerConfig(width=32, depth=depth, heads=1, text_depth=1, words=len(WORDS), symbols=16, codes=CODES)
    scale = CodeScale({kind: torch.zeros(16) for kind in KINDS}, {kind: torch.ones(16) for kind in KINDS})
    vocabulary = Vocabulary(WORDS, tuple("*_hələʊstaɪ"), {"": 0.08, "l": 0.06})
    return ReferenceModel("joint", tokenizers, _stirred(JointTransformer(config)), scale, vocabulary, {"steps": 0})


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Threads cost such small tensors more than they give; the harness's workers have one each too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make_model() -> Callable[..., ReferenceModel]:
    """``make_model(seed, depth=2)``: an untrained tiny joint model."""
    return model_of


@pytest.fixture(scope="session")
def model() -> ReferenceModel:
    """The untrained tiny joint model most tests share; not to be written into."""
    return model_of()


@pytest.fixture(scope="session")
def weights(model: ReferenceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model saved as both twins."""
    from dataclasses import replace

    folder = tmp_path_factory.mktemp("weights")
    model.save(folder)
    replace(model, twin="cascaded").save(folder)
    return folder


@pytest.fixture
def talking() -> Callable[..., Prompt]:
    """``talking(duration_s=1.2, cuts=(0.5,), **fields)``: one woman, seen in every shot; silent unless ``speech`` is given."""

    def make(*, duration_s: float = 1.2, cuts: tuple[float, ...] = (), **fields: Any) -> Prompt:
        edges = (0.0, *cuts, duration_s)
        shots = tuple(Shot(start_s=a, end_s=b, cast=("ann",)) for a, b in pairwise(edges))
        chosen: dict[str, Any] = {
            "id": "p",
            "text": "A woman with red hair, in a studio.",
            "task": "talking",
            "cast": (Character(id="ann"),),
            "shots": shots,
            "stage": {"cast": {"ann": {"voice": "high"}}},
            **fields,
        }
        return Prompt(duration_s=duration_s, **chosen)

    return make


@pytest.fixture
def make_script() -> Callable[..., Script]:
    """``make_script(n_frames=20, cuts=(9,))``: two words, two sounds, one person in all shots."""

    def make(n_frames: int = 20, *, cuts: tuple[int, ...] = (), words: tuple[str, ...] = ("a", "man"), **fields: Any) -> Script:
        edges = (0, *cuts, n_frames)
        shots = tuple(Stretch(a, b, 0) for a, b in pairwise(edges))
        chosen: dict[str, Any] = {"sounds": (Sound("h", 0.1, 0), Sound("aɪ", 0.2, 0)), "n_people": 1, **fields}
        return Script(words=words, shots=shots, n_frames=n_frames, **chosen)

    return make
