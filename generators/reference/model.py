"""The model as one object to save and load: two tokenizers, a transformer, the scale of its codes, its vocabulary."""

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
    """The scale of the codes: the transformer works on codes of mean 0 and deviation 1.

    Attributes:
        mean: (C,) mean of each kind of code.
        deviation: (C,) standard deviation of each kind of code.
    """

    mean: dict[str, Tensor]
    deviation: dict[str, Tensor]

    def scaled(self, codes: Latents) -> Latents:
        """Codes of the tokenizers, scaled for the transformer."""
        return Latents(*((tensor - self.mean[kind]) / self.deviation[kind] for kind, tensor in zip(KINDS, codes.each(), strict=True)))

    def unscaled(self, codes: Latents) -> Latents:
        """Codes of the transformer, scaled back for the tokenizers."""
        return Latents(*(tensor * self.deviation[kind] + self.mean[kind] for kind, tensor in zip(KINDS, codes.each(), strict=True)))


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizers of pictures and of sound."""

    video: VideoTokenizer
    sound: SoundCodec

    def save(self, file: Path, *, packed: bool = True) -> None:
        """Write both tokenizers to one safetensors file.

        Args:
            file: The file.
            packed: Whether matrices are stored as 8-bit integers with a scale a row, and the rest as 16-bit floats.
        """
        tensors = {f"video.{name}": tensor for name, tensor in self.video.state_dict().items()}
        tensors |= {f"sound.{name}": tensor for name, tensor in self.sound.state_dict().items()}
        _save(file, tensors, {"video": asdict(self.video.config), "sound": asdict(self.sound.config)}, packed=packed)

    @classmethod
    def load(cls, file: Path) -> Tokenizers:
        """Read what :meth:`save` wrote.

        Args:
            file: The file.

        Returns:
            The tokenizers.

        Raises:
            GeneratorError: The file is missing or holds something else.
        """
        tensors, about = _load(file, ("video", "sound"))
        sizes: dict[str, Any] = {name: tuple(size) if isinstance(size, list) else size for name, size in about["video"].items()}
        tokenizers = cls(
            VideoTokenizer(TokenizerConfig(**sizes)),
            SoundCodec(CodecConfig(**about["sound"])),
        )
        for prefix, module in (("video.", tokenizers.video), ("sound.", tokenizers.sound)):
            _fill(module, {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}, file)
        return tokenizers


@dataclass(frozen=True)
class ReferenceModel:
    """A trained twin with its tokenizers.

    Attributes:
        twin: ``joint`` or ``cascaded``.
        tokenizers: The tokenizers that the twins share.
        transformer: The transformer of the twin.
        scale: The scale of the codes.
        vocabulary: The words and sounds that it knows.
        trained: The facts about its training: data, steps, seconds, device.
    """

    twin: Twin
    tokenizers: Tokenizers
    transformer: JointTransformer
    scale: CodeScale
    vocabulary: Vocabulary
    trained: dict[str, Any]

    def save(self, folder: Path, *, packed: bool = True) -> Path:
        """Write the twin to ``<twin>.safetensors`` in a folder, and the tokenizers that the twins share unless they are there.

        Args:
            folder: The folder, which is made.
            packed: Whether matrices are stored as 8-bit integers with a scale a row, and the rest as 16-bit floats.

        Returns:
            The file of the twin.
        """
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
        """Read a twin and its tokenizers, for sampling.

        Args:
            twin: ``joint`` or ``cascaded``.
            folder: The folder; by default the shipped weights.

        Returns:
            The model, on the CPU.

        Raises:
            GeneratorError: There is no such twin, or a file is missing or does not fit.
        """
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
        stored = about["vocabulary"]
        vocabulary = Vocabulary(tuple(stored["words"]), tuple(stored["symbols"]), stored["durations"])
        return cls(twin, tokenizers, transformer, scale, vocabulary, about["trained"])


def weights_digest(twin: str, folder: Path) -> str:
    """The hash of the files that a twin is read from.

    Args:
        twin: ``joint`` or ``cascaded``.
        folder: The folder.

    Returns:
        The SHA-256 of both files together, hexadecimal.

    Raises:
        GeneratorError: A file is missing.
    """
    digest = hashlib.sha256()
    for name in (TOKENIZERS_FILE, f"{twin}.safetensors"):
        if not (folder / name).exists():
            raise GeneratorError(_missing_text(folder / name))
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _missing_text(file: Path) -> str:
    return f"there are no weights {file.name} in {file.parent}: train them with `seedbench reference train --out {file.parent}`"


def _save(file: Path, tensors: dict[str, Tensor], about: dict[str, Any], *, packed: bool) -> None:
    from safetensors.torch import save_file

    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if packed and tensor.ndim == 2 and tensor.numel() >= _PACKED_FROM:
            row = (tensor.detach().float().abs().amax(1).clamp(min=1e-4) / 127).to(torch.float16)
            stored[name] = (tensor.detach().float() / row.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
            stored[name + _ROW] = row
        else:
            stored[name] = tensor.detach().to(torch.float16 if packed else torch.float32).contiguous()
    with atomic_write(file) as partial_file:
        save_file(stored, partial_file, metadata={"about": json.dumps(about, ensure_ascii=False, sort_keys=True)})


def _load(file: Path, required: Sequence[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not file.exists():
        raise GeneratorError(_missing_text(file))
    try:
        with safe_open(file, "pt") as opened:
            about = json.loads((opened.metadata() or {})["about"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, KeyError, ValueError) as error:
        raise GeneratorError(f"{file} holds no weights of the reference model ({error})") from error
    missing = [name for name in required if name not in about]
    if missing:
        raise GeneratorError(f"{file} holds no weights of the reference model ({missing[0]!r} is missing in it)")
    rows = {name: tensors.pop(name).float() for name in list(tensors) if name.endswith(_ROW)}
    return {
        name: tensor.float() * rows[name + _ROW][:, None] if name + _ROW in rows else tensor.float() for name, tensor in tensors.items()
    }, about


def _fill(module: torch.nn.Module, tensors: dict[str, Tensor], file: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise GeneratorError(f"{file} does not fit this version of the model: {str(error).splitlines()[-1].strip()}") from error
