"""Make ``bank.npz``: embeddings of drawn faces of different people, the impostor cohort of drawn faces.

    python -m seedbench.metrics.identity.make_bank [OUT.npz] [--people 32]

Renders one silent clip of two shots for each identity with the simulator and keeps one vector per person. No photograph is used. The file
holds ``embedding`` (n, 128) float16, ``backend`` and ``provenance`` (JSON).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from seedbench import __version__
from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.face_embeddings import face_embeddings
from seedbench.metrics.identity.appearances import weighted_mean
from seedbench.plugins import registry, weights
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Character, Prompt, Shot

FIRST_IDENTITY = 5000
"""Identities from here on; no suite uses them."""


def portrait(identity: int) -> Prompt:
    """Two silent shots of one person."""
    shots = (
        Shot(start_s=0, end_s=1.2, cast=("somebody",)),
        Shot(start_s=1.2, end_s=2.4, cast=("somebody",)),
    )
    stage: dict[str, JsonValue] = {
        "cast": {"somebody": {"identity": identity}},
        "shots": [{"framing": "close", "light": "day", "place": "studio"}, {"framing": "medium", "light": "warm", "place": "room"}],
    }
    return Prompt(
        id=f"bank-{identity}",
        text="A silent portrait in two shots.",
        task="multi_shot",
        duration_s=2.4,
        cast=(Character(id="somebody"),),
        shots=shots,
        stage=stage,
    )


def main() -> None:
    """Render, embed, save."""
    parser = argparse.ArgumentParser(description="Make the bank of drawn faces.")
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("bank.npz"))
    parser.add_argument("--people", type=int, default=32)
    options = parser.parse_args()
    simulator = registry.load("generators", "simulator")()
    vectors = []
    with tempfile.TemporaryDirectory() as scratch:
        for identity in range(FIRST_IDENTITY, FIRST_IDENTITY + options.people):
            folder = Path(scratch) / str(identity)
            folder.mkdir()
            result = simulator.generate(Request(prompt=portrait(identity), seed=0), folder)
            samples = face_embeddings(Clip.open(result.file))
            if len(samples):
                vectors.append(weighted_mean(samples.embedding, samples.weight))
    provenance = {
        "made_by": "python -m seedbench.metrics.identity.make_bank",
        "faces": f"seedbench simulator {__version__}, identities {FIRST_IDENTITY}..{FIRST_IDENTITY + options.people - 1}",
        "people": str(len(vectors)),
        "dlib-face": weights.sha256_of("dlib-face"),
        "dlib-5point": weights.sha256_of("dlib-5point"),
    }
    np.savez_compressed(
        options.out, embedding=np.stack(vectors).astype(np.float16), backend="dlib-resnet128", provenance=json.dumps(provenance)
    )
    print(f"{options.out}: {len(vectors)} people")


if __name__ == "__main__":
    main()
