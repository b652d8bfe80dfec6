"""What a listed clip is, and what a folder or manifest holds besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ImportedClip:
    """One clip of a folder or manifest.

    Attributes:
        generator: the system whose clip it is.
        prompt_id: the id of its prompt, made of ``prompt_name``.
        prompt_name: the prompt as it is written in the name of the file or in the manifest; it may be the text of the prompt.
        file: its file. It may be missing by the time it is needed: then the clip fails when its cell is generated.
        seed: its seed; None where none is stated.
        latency_s, cost_usd, metadata: what a manifest claims of it.
        where: where it is listed (``clips.csv:7``), for messages.
    """

    generator: str
    prompt_id: str
    prompt_name: str = ""
    file: Path
    seed: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class ClipListing:
    """The clips of a folder or manifest, and sentences about what is left out and how names were read."""

    clips: list[ImportedClip]
    left_out: tuple[str, ...] = ()
