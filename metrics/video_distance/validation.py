"""How distances of sets are tried on real footage: copies of known harm, and one that only is written anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from seedbench.clips.changed_copies import change_pictures, degraded
from seedbench.clips.clip import Clip
from seedbench.clips.degradations import ChangedPictures, ClipArrays
from seedbench.plugins.validation import SetValidationProtocol, Variant

SHUFFLED = 10
"""So many neighbouring pictures are put into a random order (0.4 s at 25 a second), so that few are in memory at once."""
NOISE_LEVELS = 12.0
SEED = 7
WRITTEN_ANEW = "written anew"


def blurred(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """Blurred by a Gaussian with a standard deviation of 2 px where the short side has 256."""
    return degraded(arrays, "blur", 2.0 * min(clip.facts.width, clip.facts.height) / 256)


def noisy(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """With Gaussian noise of a standard deviation of :data:`NOISE_LEVELS` of 255, other noise in each picture."""

    def changed(rgb: np.ndarray, index: int) -> np.ndarray:
        noise = np.random.default_rng([SEED, index]).standard_normal(rgb.shape, np.float32)
        return np.clip(rgb + NOISE_LEVELS * noise + 0.5, 0, 255).astype(np.uint8)

    return change_pictures(arrays, changed)


def shuffled(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """With each :data:`SHUFFLED` neighbouring pictures in a random order."""

    def pictures() -> Iterator[np.ndarray]:
        rng = np.random.default_rng(SEED)
        waiting: list[np.ndarray] = []
        for rgb in arrays.pictures:
            waiting.append(rgb)
            if len(waiting) == SHUFFLED:
                yield from (waiting[index] for index in rng.permutation(SHUFFLED))
                waiting = []
        yield from (waiting[index] for index in rng.permutation(len(waiting)))

    return replace(arrays, pictures=ChangedPictures(pictures))


class VideoDistanceProtocol(SetValidationProtocol):
    """Sets of harmed copies against sets of clips as they are."""

    version = 1
    about = (
        "Sets are drawn at random from the footage, and prompts stay together. Two halves of the footage do not differ; a copy that is "
        "only written anew does not differ from its file. Each harm is compared with the files as they are on the same prompts, both "
        "against other prompts: by how much it moves the distance, and from how many prompts on this is called different (the 95% "
        "interval of the difference lies above 0). Other scenes make a distance although nothing is wrong with them: it stands beside "
        "the harms."
    )
    controls = (WRITTEN_ANEW,)
    variants = (
        Variant(name="as it is", expected="no difference"),
        Variant(name=WRITTEN_ANEW, expected="no difference", change=lambda arrays, clip, partner: arrays),
        Variant(name="blurred, sigma 2 px of 256", expected="a difference", change=blurred),
        Variant(
            name="compressed (crf 42)",
            expected="a difference",
            change=lambda arrays, clip, partner: degraded(arrays, "reencode", 42),
        ),
        Variant(name=f"noise, sigma {NOISE_LEVELS:.0f} of 255", expected="a difference", change=noisy),
        Variant(name=f"pictures shuffled, {SHUFFLED} at a time", expected="a difference", change=shuffled),
        Variant(
            name="half the speed",
            expected="a difference",
            change=lambda arrays, clip, partner: degraded(arrays, "retime", 2.0),
        ),
        Variant(name="frozen", expected="a difference", change=lambda arrays, clip, partner: degraded(arrays, "freeze", 0.0)),
    )


PROTOCOL = VideoDistanceProtocol()
