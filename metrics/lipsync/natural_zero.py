"""Where the zero of the offset lies: SyncNet's zero is not that of filmed speakers.

The shipped model was fitted on clips that SyncNet had aligned, so it finds SyncNet's zero. In nature the lips part when the burst of a /p/
or /b/ is heard. This was looked up in GRID recordings (Cooke et al. 2006), without SyncNet and without the model:
in five bursts of four speakers the lips are still shut in the picture 21 to 34 ms before the burst and open in the picture 6 to 19 ms after
it. ``seedbench lipsync zero`` measures the same from face mesh and sound.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NaturalZero:
    """The offset that a model reads where sound and lips are as in nature.

    Attributes:
        ms: The offset in the model's own zero, ms; positive: the model takes natural sound for early.
        sd_ms: Its standard error, ms.
        speaker_sd_ms: Standard deviation between speakers of what is read in sync, ms: people part their lips and speak differently.
    """

    ms: float
    sd_ms: float
    speaker_sd_ms: float


SHIPPED_ZERO = NaturalZero(ms=48.0, sd_ms=8.0, speaker_sd_ms=10.0)
"""That of the shipped model.

Set on six GRID speakers: the model reads +25 to +53 ms, mean 41 (sd 10), and in five bursts of four of them the lips part
8 ms before what is heard (standard error 5 ms; by eye between 6 ms after and 21 ms before). Ten GRID speakers, the six among them, read
+47 ms, sd 14, of which the noise of a clip explains about 10. Generated clips of three systems give 20 to 57 ms by the same method. On our
own material: with lips that part at the bursts of its voices the simulator reads about 0 (docs/metrics/lip-sync.md).
"""
OWN_ZERO = NaturalZero(ms=0.0, sd_ms=0.0, speaker_sd_ms=10.0)
"""That of a model fitted on clips whose offsets are stated as they are in nature."""
