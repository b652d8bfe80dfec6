"""What a browser receives of a clip as numbers, and how well these numbers tell who made it."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tests.arena.blindness_boxes import boxes, nal_units, samples

FOLDS = 5
FALSE_ALARM = 2.5e-4
"""Of one accuracy held against chance. Two classifiers with two questions each make four of them: one in a thousand for all."""
_WORDS = 24
_GRAMS = 512


@dataclass(frozen=True)
class Received:
    """A clip as a browser got it. ``token`` is the part of its address that is drawn anew for each voter, pair and side."""

    maker: str
    prompt: int
    body: bytes
    side: str = ""
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    frames: tuple[int, ...] = ()
    """Lengths of the websocket's frames up to the pair."""


def features(clip: Received) -> dict[str, float]:
    """All that is received but the moment it came and the coded pictures and sound themselves.

    Addresses are taken by length and alphabet, as are ids: their characters are random. Times of arrival are left out.
    """
    values: dict[str, float] = {"size": len(clip.body), "token": len(clip.token), "side": float(clip.side == "left")}
    values |= {f"token alphabet {kind}": 1.0 for kind in {_kind(character) for character in clip.token}}
    values |= {f"header {name}: {value}": 1.0 for name, value in clip.headers.items() if name != "date"}
    values |= {f"header order {index}: {name}": 1.0 for index, name in enumerate(clip.headers)}
    values |= {f"frame {index}": float(length) for index, length in enumerate(clip.frames)}
    content = b""
    for index, box in enumerate(boxes(clip.body)):
        kind = box.path.rpartition("/")[2]
        values[f"box {index} {box.path}"] = 1.0
        values[f"{box.path} length"] = values.get(f"{box.path} length", 0.0) + len(box.content)
        values[f"{box.path} place"] = box.start
        if kind == "mdat":
            continue
        if kind == "free":
            values["free"] = sum(byte > 0 for byte in box.content)
            continue
        content += kind.encode("latin-1") + box.content
        whole = box.content[: 4 * _WORDS]
        for number, word in enumerate(struct.unpack(f">{len(whole) // 4}I", whole[: len(whole) // 4 * 4])):
            values[f"{box.path} word {number}"] = float(word)
    if not content:  # no MP4: the beginning and the end, where containers say what they are
        content = clip.body[:2048] + clip.body[-2048:]
    grams = Counter(content[start : start + 3] for start in range(len(content) - 2))
    for gram, count in grams.items():
        name = f"gram {int.from_bytes(gram) * 2_654_435_761 % 2**32 % _GRAMS}"
        values[name] = values.get(name, 0.0) + count
    for text in re.findall(rb"[ -~]{8,}", content):
        values[f"text {text.decode()}"] = 1.0
    return values | _streams(clip.body)


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "letter" if character.isalpha() else character


def _streams(body: bytes) -> dict[str, float]:
    """What the units of H.264 and AAC are, not what they code; and bytes that belong to no picture and no sound."""
    counts: Counter[str] = Counter()
    try:
        tracks = samples(body)
    except (struct.error, IndexError):
        return {"no tables": 1.0}
    for number, track in enumerate(tracks):
        counts[f"track {number} samples"] = len(track)
        for at, length in track:
            sample = body[at : at + length]
            if number == 0 and b"avc1" in body[:4096]:
                for unit in nal_units(sample):
                    counts[f"unit {unit[0]:02x}"] += 1
            elif sample:
                counts[f"track {number} begins {sample[0] >> 5}"] += 1
    spans = sorted((at, at + length) for track in tracks for at, length in track)
    counts["gaps"] = sum(max(0, after[0] - before[1]) for before, after in pairwise(spans))
    return {name: float(value) for name, value in counts.items()}


@dataclass(frozen=True)
class Told:
    """How often makers were named rightly, out of how many, where ``chance`` is the share by guessing."""

    right: int
    of: int
    chance: float

    @property
    def share(self) -> float:
        """Of right answers."""
        return self.right / self.of

    @property
    def p(self) -> float:
        """How probable so many right answers or more are by guessing."""
        from scipy.stats import binom

        return float(binom.sf(self.right - 1, self.of, self.chance))


def makers_recognised(rows: Sequence[dict[str, float]], clips: Sequence[Received], classifier: str) -> Told:
    """Who made each clip, asked of a classifier that learned from features ``rows`` of the clips of other prompts."""
    names = sorted({clip.maker for clip in clips})
    return _asked(_table(rows), [names.index(clip.maker) for clip in clips], clips, classifier)


def sides_recognised(rows: Sequence[dict[str, float]], clips: Sequence[Received], classifier: str) -> Told:
    """Which of a pair is by the maker first by name, asked likewise of left minus right; clips stand as left, right, left, right, ..."""
    table = _table(rows)
    lefts, rights = clips[::2], clips[1::2]
    first = [int(left.maker < right.maker) for left, right in zip(lefts, rights, strict=True)]
    return _asked(table[::2] - table[1::2], first, lefts, classifier)


def _table(rows: Sequence[dict[str, float]]) -> np.ndarray:
    """Features as columns, without those that are the same for all."""
    from sklearn.feature_extraction import DictVectorizer

    table = np.asarray(DictVectorizer(sparse=False).fit_transform(rows))
    return table[:, np.ptp(table, axis=0) > 0]


def _asked(table: np.ndarray, truth: Sequence[int], clips: Sequence[Received], classifier: str) -> Told:
    from sklearn.model_selection import GroupKFold, cross_val_predict

    labels = np.asarray(truth)
    folds = GroupKFold(FOLDS, shuffle=True, random_state=0)
    predicted = cross_val_predict(_classifier(classifier), table, labels, groups=[clip.prompt for clip in clips], cv=folds)
    return Told(int((predicted == labels).sum()), len(labels), 1 / (int(labels.max()) + 1))


def _classifier(name: str) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    if name == "forest":
        return RandomForestClassifier(120, max_features=0.2, min_samples_leaf=2, random_state=0)
    return make_pipeline(QuantileTransformer(n_quantiles=50), StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
