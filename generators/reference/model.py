"""The whole model, as one thing to save and load: two tokenizers, a transformer, what its codes are scaled by, what it has read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seedbench.errors import GeneratorError
from seedbench.files.atomic import atomic_write
from seedbench.generators.reference.codec import CodecConfig, SoundCodec
from seedbench.generators.reference.tokenizer import TokenizerConfig, VideoTokenizer
from seedbench.generators.reference.tokens import Vocabulary
from seedbench.generators.reference.transformer import KINDS, JointTransformer, Latents, TransformerConfig
from seedbench.generators.reference.twins import TWINS, Twin

TOKENIZERS_FILE = "tokenizers.safetensors"
_ROW = ".row"
_PACKED_FROM = 4096
SHIPPED = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class CodeScale:
    """Mean and standard deviation (C,) of the codes of each kind, so that the transformer sees numbers about 0 and 1."""

    mean: dict[str, Tensor]
    deviation: dict[str, Tensor]

    def down(self, codes: Latents) -> Latents:
        """Codes of the tokenizers as the transformer sees them."""
        return Latents(*((one - self.mean[kind]) / self.deviation[kind] for kind, one in zip(KINDS, codes.each(), strict=True)))

    def up(self, codes: Latents) -> Latents:
        """The other way round."""
        return Latents(*(one * self.deviation[kind] + self.mean[kind] for kind, one in zip(KINDS, codes.each(), strict=True)))


@dataclass(frozen=True)
class Tokenizers:
    """Pictures and sound to codes and back."""

    video: VideoTokenizer
    sound: SoundCodec

    def save(self, file: Path, *, packed: bool = True) -> None:
        """Write both to one safetensors file; ``packed``: matrices as 8-bit numbers with a scale for each row, the rest as 16-bit ones."""
        tensors = {f"video.{name}": one for name, one in self.video.state_dict().items()}
        tensors |= {f"sound.{name}": one for name, one in self.sound.state_dict().items()}
        _save(file, tensors, {"video": asdict(self.video.config), "sound": asdict(self.sound.config)}, packed=packed)

    @classmethod
    def load(cls, file: Path) -> Tokenizers:
        """Read what :meth:`save` wrote. GeneratorError for a file that is missing or no such thing."""
        tensors, about = _load(file, ("video", "sound"))
        sizes: dict[str, Any] = {name: tuple(size) if isinstance(size, list) else size for name, size in about["video"].items()}
        made = cls(
            VideoTokenizer(TokenizerConfig(**sizes)),
            SoundCodec(CodecConfig(**about["sound"])),
        )
        for prefix, module in (("video.", made.video), ("sound.", made.sound)):
            _fill(module, {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}, file)
        return made


@dataclass(frozen=True)
class ReferenceModel:
    """A trained twin with its tokenizers. ``trained`` says on what and for how long."""

    twin: Twin
    tokenizers: Tokenizers
    transformer: JointTransformer
    scale: CodeScale
    vocabulary: Vocabulary
    trained: dict[str, Any]

    def save(self, folder: Path, *, packed: bool = True) -> Path:
        """Write the twin to ``<twin>.safetensors`` and, unless it is there, the tokenizers they share, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / TOKENIZERS_FILE).exists():
            self.tokenizers.save(folder / TOKENIZERS_FILE, packed=packed)
        about = {
            "twin": self.twin,
            "transformer": asdict(self.transformer.config),
            "vocabulary": asdict(self.vocabulary),
            "scale": {k: [self.scale.mean[k].tolist(), self.scale.deviation[k].tolist()] for k in KINDS},
            "trained": self.trained,
        }
        file = folder / f"{self.twin}.safetensors"
        _save(file, dict(self.transformer.state_dict()), about, packed=packed)
        return file

    @classmethod
    def load(cls, twin: Twin, folder: Path = SHIPPED) -> ReferenceModel:
        """Read a twin and its tokenizers from a folder, ready to sample from. GeneratorError says what is missing."""
        if twin not in TWINS:
            raise GeneratorError(f"there is no twin {twin!r}: choose {' or '.join(TWINS)}")
        tensors, about = _load(folder / f"{twin}.safetensors", ("transformer", "vocabulary", "scale", "trained"))
        transformer = JointTransformer(TransformerConfig(**about["transformer"]))
        _fill(transformer, tensors, folder / f"{twin}.safetensors")
        transformer.eval().requires_grad_(False)
        tokenizers = Tokenizers.load(folder / TOKENIZERS_FILE)
        tokenizers.video.eval().requires_grad_(False)
        tokenizers.sound.eval().requires_grad_(False)
        scale = CodeScale(*({k: torch.tensor(about["scale"][k][i]) for k in KINDS} for i in range(2)))
        words = about["vocabulary"]
        vocabulary = Vocabulary(tuple(words["words"]), tuple(words["symbols"]), words["durations"])
        return cls(twin, tokenizers, transformer, scale, vocabulary, about["trained"])


def weights_digest(twin: str, folder: Path) -> str:
    """The sha256 of the files a twin is read from. GeneratorError if one is missing."""
    digest = hashlib.sha256()
    for name in (TOKENIZERS_FILE, f"{twin}.safetensors"):
        if not (folder / name).exists():
            raise GeneratorError(_missing(folder / name))
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _missing(file: Path) -> str:
    return f"there are no weights {file.name} in {file.parent}: train them with `seedbench reference train --out {file.parent}`"


def _save(file: Path, tensors: dict[str, Tensor], about: dict[str, Any], *, packed: bool) -> None:
    from safetensors.torch import save_file

    kept: dict[str, Tensor] = {}
    for name, one in tensors.items():
        if packed and one.ndim == 2 and one.numel() >= _PACKED_FROM:
            row = (one.detach().float().abs().amax(1).clamp(min=1e-4) / 127).to(torch.float16)
            kept[name] = (one.detach().float() / row.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
            kept[name + _ROW] = row
        else:
            kept[name] = one.detach().to(torch.float16 if packed else torch.float32).contiguous()
    with atomic_write(file) as place:
        save_file(kept, place, metadata={"about": json.dumps(about, ensure_ascii=False, sort_keys=True)})


def _load(file: Path, told: Sequence[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not file.exists():
        raise GeneratorError(_missing(file))
    try:
        with safe_open(file, "pt") as opened:
            about = json.loads((opened.metadata() or {})["about"])
            found = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, KeyError, ValueError) as error:
        raise GeneratorError(f"{file} holds no weights of the reference model ({error})") from error
    missing = [name for name in told if name not in about]
    if missing:
        raise GeneratorError(f"{file} holds no weights of the reference model (nothing about {missing[0]!r} in it)")
    rows = {name: found.pop(name).float() for name in list(found) if name.endswith(_ROW)}
    return {name: one.float() * rows[name + _ROW][:, None] if name + _ROW in rows else one.float() for name, one in found.items()}, about


def _fill(module: torch.nn.Module, tensors: dict[str, Tensor], file: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise GeneratorError(f"{file} does not fit this version of the model: {str(error).splitlines()[-1].strip()}") from error
