"""The `syncnet-python` wheel beside ours: fetched with pip, unpacked into a folder, never installed.

Installing it would put scenedetect 0.6 and opencv-contrib over the packages this project runs on. Its parts that need no ffmpeg are called
directly: the S3FD detector frame by frame, and the SyncNet pass on 224-pixel crops and sound.

As a script it times both on a clip with random weights (cost does not depend on them) and prints one line of JSON:

    python tests/benchmarks/syncnet_wheel.py CLIP.mp4 [--frames 10]

The times favour the wheel: no decoding, re-encoding, tracking or cropping is counted, and no detection is ever left to suppress.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
import types
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

REQUIREMENT = "syncnet-python==0.2.3"
SHA256 = "680095e64ff389185e952b50ce492e29d28a9580761b221669c8c9f87b75f132"
BACKGROUND = 20.0


@dataclass(frozen=True)
class WheelCost:
    """CPU seconds of the wheel on one clip. ``total_s`` is ``s3fd_s_per_frame`` times ``n_frames`` plus ``syncnet_s``."""

    n_frames: int
    width: int
    height: int
    s3fd_frames_timed: int
    s3fd_s_per_frame: float
    syncnet_s: float
    total_s: float


def unpack(directory: Path) -> Path:
    """Fetch the wheel into ``directory`` with pip, check its hash, unpack it, and return the folder to import from."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
        "-d",
        str(directory),
        REQUIREMENT,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not download {REQUIREMENT}: {done.stderr.strip()}")
    wheel = next(directory.glob("syncnet_python-*.whl"))
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if sha256 != SHA256:
        raise RuntimeError(f"{wheel.name} has sha256 {sha256}, expected {SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "unpacked")
    return directory / "unpacked"


@contextlib.contextmanager
def _stubs() -> Iterator[None]:
    """Stand-ins for the two modules the wheel imports and that no part used here calls."""
    names = {"ffmpeg": {}, "scenedetect.video_manager": {"VideoManager": object}}
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        module = types.ModuleType(name)
        module.__dict__.update(names[name])
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def load(unpacked: Path) -> Any:
    """The package ``syncnet_python`` out of the unpacked wheel."""
    sys.path.insert(0, str(unpacked))
    try:
        with _stubs(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import syncnet_python
    finally:
        sys.path.remove(str(unpacked))
    return syncnet_python


def evaluate(
    wheel: Any, model: Any, crops: np.ndarray, samples: np.ndarray, directory: Path, *, vshift: int = 15
) -> tuple[int, float, float]:
    """The wheel's own SyncNet pass: offset in frames, LSE-C, LSE-D of RGB ``crops`` (T, 224, 224, 3) and int16 16-kHz ``samples``.

    It reads pictures and sound from a folder; they are written there without loss (PNG data, whatever the ending says).
    """
    import cv2
    from scipy.io import wavfile

    for index, picture in enumerate(crops):
        data = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))[1]
        (directory / f"{index:06d}.jpg").write_bytes(data.tobytes())
    wavfile.write(directory / "audio.wav", 16_000, samples)
    options = types.SimpleNamespace(tmp_dir=str(directory), batch_size=20, vshift=vshift)
    with contextlib.redirect_stdout(io.StringIO()):
        scores = wheel.SyncNetInstance(net=model, device="cpu").evaluate(options)
    return scores


def detector(wheel: Any) -> Any:
    """The wheel's S3FD with random weights that call everything background."""
    import torch

    nets = sys.modules[f"{wheel.__name__}.detectors.s3fd.nets"]
    torch.manual_seed(0)
    net = nets.S3FDNet(device="cpu")
    with torch.no_grad():
        for index, layer in enumerate(net.conf):
            layer.weight.zero_()
            layer.bias.zero_()
            layer.bias[: 3 if index == 0 else 1] = BACKGROUND
    return sys.modules[f"{wheel.__name__}.detectors.s3fd"].S3FD(net=net.eval(), device="cpu")


def measure(clip: Path, *, frames: int = 10) -> WheelCost:
    """Time the wheel on a clip: S3FD on ``frames`` of its frames at its own scale of 0.25, SyncNet on all of them."""
    import cv2
    import torch

    from seedbench.clips.clip import Clip

    opened = Clip.open(clip)
    rgb = opened.frames(25).rgb
    samples = np.rint(opened.audio(16_000).samples * 32767).astype(np.int16)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wheel = load(unpack(folder))
        faces = detector(wheel)
        faces.detect_faces(rgb[0], conf_th=0.9, scales=[0.25])
        timed = np.linspace(0, len(rgb) - 1, min(frames, len(rgb))).astype(int)
        start = time.process_time()
        for index in timed:
            faces.detect_faces(rgb[index], conf_th=0.9, scales=[0.25])
        s3fd = (time.process_time() - start) / len(timed)
        crops = np.stack([cv2.resize(picture, (224, 224)) for picture in rgb])
        pictures = folder / "pictures"
        pictures.mkdir()
        torch.manual_seed(0)
        model = wheel.SyncNetModel().eval()
        start = time.process_time()
        evaluate(wheel, model, crops, samples, pictures)
        syncnet = time.process_time() - start
    height, width = rgb.shape[1:3]
    return WheelCost(len(rgb), width, height, len(timed), s3fd, syncnet, s3fd * len(rgb) + syncnet)


def main() -> None:
    """Time the wheel on the clip named on the command line and print JSON."""
    parser = argparse.ArgumentParser(description="CPU seconds of the syncnet-python wheel on a clip")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=10, help="frames to time S3FD on")
    given = parser.parse_args()
    print(json.dumps(asdict(measure(given.clip, frames=given.frames))))


if __name__ == "__main__":
    main()
