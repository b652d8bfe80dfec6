"""One transformer over people, shots, pictures and sound: every step of denoising changes all of them together.

The script is read once by a few layers; every layer of the denoiser then attends to its keys and values and to the tokens themselves.
Tokens of pictures and sound (80 ms each) and phonemes have rotary positions in *seconds*, so that what belongs together in time is close
(as in MMAudio: Cheng et al. 2024). Each token of pictures and sound also gets the phonemes that are due around its time as an input;
attention then decides when they really come. Each token is noisy, given (clean) or absent: this one mechanism carries references,
extension, edits and the cascaded twin. Flow time enters by adaptive layer norm, shared by the layers (PixArt: Chen et al. 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.tokens import GRAM_BUCKETS, MAX_PEOPLE, MAX_SHOTS, TOKEN_S, VOICE, Scripts

KINDS = ("person", "shot", "video", "sound")
WORD_S = 0.08  # distance between two words for the layers that read the script, about that of phonemes
DUE_S = 0.04  # width of the window in time in which a phoneme counts for a half of a token
NOISY, GIVEN, ABSENT = 0, 1, 2


@dataclass(frozen=True)
class TransformerConfig:
    """The sizes of the network. They are stored with the weights under these names.

    Attributes:
        width, depth, heads: numbers in a token, layers of the denoiser, heads of attention.
        text_depth: layers that read the script.
        spread: how many times wider the middle of a feed-forward layer is.
        words, symbols: sizes of the vocabulary.
        codes: numbers in a token of each kind.
        told: how many of the first numbers of each picture's motion code are acting.
    """

    width: int = 192
    depth: int = 6
    heads: int = 3
    text_depth: int = 2
    spread: int = 3
    words: int = 512
    symbols: int = 128
    codes: dict[str, int] = field(default_factory=lambda: {"person": 96, "shot": 64, "video": 32, "sound": 64})
    told: int = 0


@dataclass(frozen=True)
class Latents:
    """A tensor for each kind of token, all (B, n, C).

    Attributes:
        person: A token for each of the people.
        shot: A token for each shot.
        video: T tokens of 80 ms of pictures.
        sound: T tokens of 80 ms of sound.
    """

    person: Tensor
    shot: Tensor
    video: Tensor
    sound: Tensor

    def each(self) -> tuple[Tensor, ...]:
        """The tensors in the order of :data:`KINDS`."""
        return self.person, self.shot, self.video, self.sound


def rotated(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Apply rotary positions (Su et al. 2021, arXiv 2104.09864) to the first half of each head's numbers.

    Args:
        x: (B, H, N, D).
        angles: Cosines and sines, each (B or 1, 1, N, D / 4).

    Returns:
        (B, H, N, D).
    """
    cos, sin = angles
    quarter = cos.shape[-1]
    a, b, rest = x[..., :quarter], x[..., quarter : 2 * quarter], x[..., 2 * quarter :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos, rest], -1)


@dataclass(frozen=True)
class LayerContext:
    """What a layer attends to besides its own tokens: keys and values (B, H, C, D).

    The last ``words`` of them are words; only the first ``still`` tokens (people and shots) attend to these.
    """

    keys: Tensor
    values: Tensor
    words: int
    still: int


def _unit(x: Tensor) -> Tensor:
    """Queries and keys of unit size, which keeps attention stable (Dehghani et al. 2023)."""
    return F.rms_norm(x, x.shape[-1:])


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int, *, context: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.context = nn.Linear(width, 2 * width, bias=False) if context else nn.Identity()
        self.out = nn.Linear(width, width)
        self.sharpness = nn.Parameter(torch.ones(heads, 1, 1))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_and_values(self, context: Tensor, angles: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Keys and values of a read script (B, C, W)."""
        k, v = self.context(context).chunk(2, -1)
        return rotated(_unit(self._split(k)), angles).to(v.dtype), self._split(v)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor, context: LayerContext | None = None) -> Tensor:
        q, k, v = (self._split(part) for part in self.qkv(x).chunk(3, -1))
        q, k = rotated(_unit(q) * self.sharpness, angles).to(v.dtype), rotated(_unit(k), angles).to(v.dtype)
        if context is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return self.out(y.transpose(1, 2).flatten(2))
        # The words come last in the context: tokens of pictures and sound, by far the most, attend to everything before them.
        k, v = torch.cat([k, context.keys], 2), torch.cat([v, context.values], 2)
        still, without_words = context.still, k.shape[2] - context.words
        parts = [F.scaled_dot_product_attention(q[:, :, :still], k, v, attn_mask=mask[:, :, :still])]
        if q.shape[2] > still:
            rest = mask[:, :, still:, :without_words]
            parts.append(F.scaled_dot_product_attention(q[:, :, still:], k[:, :, :without_words], v[:, :, :without_words], attn_mask=rest))
        return self.out(torch.cat(parts, 2).transpose(1, 2).flatten(2))


class _Layer(nn.Module):
    """Attention and a feed-forward layer; with ``timed``, shifted, scaled and gated by six vectors that depend on flow time."""

    def __init__(self, config: TransformerConfig, *, timed: bool) -> None:
        super().__init__()
        width = config.width
        self.attention = _Attention(width, config.heads, context=timed)
        self.norms = nn.ModuleList([nn.LayerNorm(width, elementwise_affine=not timed) for _ in range(2)])
        self.wide = nn.Linear(width, config.spread * width)
        self.narrow = nn.Linear(config.spread * width, width)
        self.own = nn.Parameter(torch.randn(6, width) / math.sqrt(width)) if timed else None

    def keys_and_values(self, context: Tensor, angles: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Keys and values of a read script for this layer."""
        return self.attention.keys_and_values(context, angles)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor, context: LayerContext | None = None, time: Tensor | None = None
    ) -> Tensor:
        if time is None or self.own is None:
            x = x + self.attention(self.norms[0](x), angles, mask)
            return x + self.narrow(F.gelu(self.wide(self.norms[1](x)), approximate="tanh"))
        a, b, c, d, e, f = (time + self.own)[:, None].unbind(-2)
        x = x + c * self.attention(self.norms[0](x) * (1 + a) + b, angles, mask, context)
        return x + f * self.narrow(F.gelu(self.wide(self.norms[1](x) * (1 + d) + e), approximate="tanh"))


@dataclass(frozen=True)
class Context:
    """A read script.

    Attributes:
        keys_and_values: for every layer of the denoiser.
        mask: (B, C), True where the script has something.
        words: how many of the last keys are words.
        due: (B, T, W) each: the phonemes at the nominal time of each token, for pictures and for sound.
    """

    keys_and_values: list[tuple[Tensor, Tensor]]
    mask: Tensor
    words: int
    due: tuple[Tensor, Tensor]


class JointTransformer(nn.Module):
    """Velocities of all tokens at a flow time, given a script."""

    rates: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.word = nn.Embedding(config.words + 1, width)
        self.gram = nn.EmbeddingBag(GRAM_BUCKETS, width, mode="sum", padding_idx=0)
        self.symbol = nn.EmbeddingBag(config.symbols + 1, width, mode="sum", padding_idx=0)
        self.voice = nn.Linear(VOICE, width)
        self.sorts = nn.Parameter(torch.randn(3, width) * 0.02)  # words, sounds, voice
        self.speaker = nn.Embedding(MAX_PEOPLE + 1, width)
        self.reading = nn.ModuleList(_Layer(config, timed=False) for _ in range(config.text_depth))
        self.due = nn.Linear(2 * width, 2 * width, bias=False)
        self.into = nn.ModuleDict({kind: nn.Linear(size, width) for kind, size in config.codes.items()})
        self.kinds = nn.Parameter(torch.randn(len(KINDS), 2, width) * 0.02)
        self.number = nn.Embedding(MAX_SHOTS, width)
        self.person = nn.Embedding(MAX_PEOPLE + 1, width)
        modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(modulation.weight)
        self.clock = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), modulation)
        self.layers = nn.ModuleList(_Layer(config, timed=True) for _ in range(config.depth))
        self.last = nn.LayerNorm(width)
        heads = {kind: nn.Linear(width, size) for kind, size in config.codes.items()}
        for head in heads.values():
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        self.out = nn.ModuleDict(heads)
        for embedding in (self.word, self.gram, self.symbol, self.speaker, self.number, self.person):
            nn.init.normal_(embedding.weight, std=0.1)
        half = config.width // config.heads // 4
        self.register_buffer("rates", 2 * math.pi * torch.logspace(math.log10(0.06), math.log10(6.0), half), persistent=False)

    def _angles(self, seconds: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, N, D / 4) of times (B, N)."""
        angle = seconds[:, None, :, None] * self.rates
        return angle.cos(), angle.sin()

    def read(self, scripts: Scripts, *, blank: Tensor | None = None) -> Context:
        """Read scripts once for all layers.

        Args:
            scripts: B scripts.
            blank: (B,) True where the context is empty (for guidance); None for nowhere.

        Returns:
            What the layers attend to.
        """
        words = self.word(scripts.words) + self.gram(scripts.grams.flatten(0, 1)).unflatten(0, scripts.words.shape) / 3
        words = words + self.sorts[0]
        sounds = (
            self.symbol(scripts.symbols.flatten(0, 1)).unflatten(0, scripts.sound_s.shape) + self.speaker(scripts.speaker) + self.sorts[1]
        )
        voice = (self.voice(scripts.voice) + self.sorts[2])[:, None]
        x = torch.cat([sounds, voice, words], 1)
        mask = torch.cat([scripts.sound_mask, scripts.has_voice[:, None], scripts.word_mask], 1)
        if blank is not None:
            mask = mask & ~blank[:, None]
        order_s = torch.arange(words.shape[1], device=x.device) * WORD_S
        positions = self._angles(torch.cat([F.pad(scripts.sound_s, (0, 1)), order_s.expand(len(x), -1)], 1))
        visible = mask[:, None, None, :] | torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        for layer in self.reading:
            x = layer(x, positions, visible)
        n = scripts.sound_s.shape[1]
        angles = self._angles(F.pad(scripts.sound_s, (0, x.shape[1] - n)))
        keys_and_values = [cast(_Layer, layer).keys_and_values(x, angles) for layer in self.layers]
        return Context(keys_and_values, mask, scripts.words.shape[1], self._due(x[:, :n], mask[:, :n], scripts))

    def _due(self, sounds: Tensor, mask: Tensor, scripts: Scripts) -> tuple[Tensor, Tensor]:
        """Weighted sums of the phonemes (B, S, W) around the time of each token of pictures and of sound, (B, T, W) each."""
        halves = []
        for shift_s in (-TOKEN_S / 4, TOKEN_S / 4):
            distance_s = (scripts.token_s + shift_s)[None, :, None] - scripts.sound_s[:, None]
            weight = (-0.5 * (distance_s / DUE_S).square()).exp() * mask[:, None]
            halves.append(weight.to(sounds.dtype) @ sounds)
        pictures, sound = self.due(torch.cat(halves, -1)).chunk(2, -1)
        return pictures, sound

    def forward(self, noisy: Latents, states: Latents, time: Tensor, scripts: Scripts, context: Context) -> Latents:
        """Velocities of all tokens.

        Args:
            noisy: the tokens; those that are given are clean.
            states: (B, n) for each kind: NOISY, GIVEN or ABSENT.
            time: flow time (B,) from 0 (noise) to 1 (clean).
            scripts: the scripts.
            context: the scripts as :meth:`read` gives them.

        Returns:
            Velocities, shaped like ``noisy``.
        """
        length = scripts.tokens.shape[1]
        token_s = scripts.token_s.expand(len(time), -1)
        of_time = self.number(scripts.token_shot) + self.person(scripts.token_person)
        k, p = scripts.shots.shape[1], scripts.people.shape[1]
        device = time.device
        marks = (
            self.person(torch.arange(1, p + 1, device=device)).expand(len(time), -1, -1),
            self.number(torch.arange(k, device=device)) + self.person(scripts.shot_person),
            of_time + context.due[0],
            of_time + context.due[1],
        )
        masks = (scripts.people, scripts.shots, scripts.tokens, scripts.tokens)
        parts = [
            self.into[kind](tokens) + mark + self.kinds[index][(state == GIVEN).long()]
            for index, (kind, tokens, mark, state) in enumerate(zip(KINDS, noisy.each(), marks, states.each(), strict=True))
        ]
        x = torch.cat(parts, 1)
        present = torch.cat([mask & (state != ABSENT) for mask, state in zip(masks, states.each(), strict=True)], 1)
        seconds = torch.cat([torch.zeros(len(time), p, device=device), scripts.shot_s, token_s, token_s], 1)
        angles = self._angles(seconds)
        mask = torch.cat([present, context.mask], 1)[:, None, None, :]
        itself = F.pad(torch.eye(x.shape[1], dtype=torch.bool, device=device), (0, context.mask.shape[1]))
        mask = mask | itself
        clock = self.clock(_waves(time)).unflatten(-1, (6, -1))
        for layer, (keys, values) in zip(self.layers, context.keys_and_values, strict=True):
            x = layer(x, angles, mask, LayerContext(keys, values, context.words, p + k), clock)
        pieces = self.last(x).split([p, k, length, length], 1)
        return Latents(*(self.out[kind](piece).float() for kind, piece in zip(KINDS, pieces, strict=True)))


def _waves(time: Tensor) -> Tensor:
    """Flow times (...) as 64 waves."""
    rates = torch.logspace(0, 2.3, 32, device=time.device)
    return torch.cat([(time[..., None] * rates).sin(), (time[..., None] * rates).cos()], -1)
