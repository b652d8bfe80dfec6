"""The lead of the lips that a twin has learned, taken back to that of speech.

How early lips open before what is heard is a fact of the clips that a twin was trained on, and is stored with its weights. Before its
version 3 the simulator drew lips 45 ms too early (``LIP_LEAD_S`` in its ``acting``). Weights trained on such clips have learned that, and
their speech is laid so much earlier instead of training them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seedbench.generators.reference import sound
from seedbench.generators.simulator.acting import LIP_LEAD_S

TRAINED = "lip_lead_s"
"""The key, among the facts about a training, of the lead that the simulator drew."""
LEAD_BEFORE_S = 0.07
"""The lead of weights that do not state it."""


def with_natural_lead(samples: np.ndarray, trained: Mapping[str, Any]) -> np.ndarray:
    """Speech of a twin, as early as its lips have learned to be ahead of it beyond what is natural.

    Args:
        samples: (N,) speech as the twin made it, at 16 kHz.
        trained: The facts about its training.

    Returns:
        (N,) the same sound, earlier by the difference, with silence at the end.

    >>> with_natural_lead(np.ones(16000, np.float32), {}).sum()                      # 45 ms earlier
    np.float32(15280.0)
    >>> with_natural_lead(np.ones(16000, np.float32), {TRAINED: LIP_LEAD_S}).sum()
    np.float32(16000.0)
    """
    early = round((float(trained.get(TRAINED, LEAD_BEFORE_S)) - LIP_LEAD_S) * sound.RATE)
    if early <= 0:
        return samples
    return np.concatenate([samples[early:], np.zeros(min(early, len(samples)), samples.dtype)])
