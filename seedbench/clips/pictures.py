"""Decoding the pictures of a file, one after another, as a player shows them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.cropping import NO_CROP, cut_anywhere
from seedbench.clips.display import stored_working_size
from seedbench.clips.media_file import open_media, packets_of, raise_if_passing, reason_of
from seedbench.clips.probing import LONGEST_S, ProbeFacts, rates_of, stamp_of, uses_decoding_times
from seedbench.clips.timeline import end_of_pictures, picture_times, seconds_of
from seedbench.errors import ClipError

#: More threads than this hold more pictures of a large clip in memory than they save time.
MOST_THREADS = 4
#: So many buffers are looked at; a consumer that keeps more pictures than this keeps all of them.
MOST_BUFFERS = 4
#: Pixel formats whose first plane is the luma, a byte a pixel.
LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
#: The short side, in pixels, at which successive pictures are compared; taken from the picture by leaving pixels out.
COMPARED_SIDE = 180
#: Width and height of the blocks over which differences are averaged, in pixels at that size.
COMPARED_BLOCK = 12


@dataclass
class PictureRecord:
    """What is known once all pictures of a file have been decoded.

    Attributes:
        time_s: when each picture appears (T,), in seconds from the first.
        end_s: when the last one leaves the screen, in seconds from the first.
        change: (T,) how much each picture differs from the one before: the largest mean absolute difference of a small block, 0..255; 0 for
            the first.
        notes: what went wrong, in words.
    """

    time_s: np.ndarray
    end_s: float
    change: np.ndarray
    notes: tuple[str, ...]


@dataclass
class _Progress:
    stamps_s: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    last_duration_s: float = 0.0
    notes: list[str] = field(default_factory=list)


class PictureReader:
    """One pass over the pictures of a file.

    Args:
        path: the file.
        facts: what :func:`~seedbench.clips.probing.probe` returned for it.
    """

    def __init__(self, path: Path, facts: ProbeFacts) -> None:
        self._path, self._facts = path, facts
        self._progress = _Progress()
        self._rates: tuple[Any, ...] = ()
        self._tick_s = 0.0

    def read(self, wanted: Callable[[int], bool] | None = None, *, last: int | None = None, compare: bool = False) -> Iterator[np.ndarray]:
        """Decode the pictures.

        Args:
            wanted: which pictures to give, by number; None: all. The others are decoded and not converted.
            last: the number of the last picture that is wanted; decoding stops after it.
            compare: whether each picture is compared with the one before, for :meth:`record`.

        Yields:
            Pictures (H, W, 3) uint8 at the working size, in the order in which they are shown.

        Raises:
            ClipError: there is no picture, or not one can be decoded.
            ClipUnavailableError: the file cannot be read at the moment.
        """
        import av
        from av.video.reformatter import VideoReformatter

        display = self._facts.display
        if display is None:
            raise ClipError(f"{self._path}: has no picture")
        width, height = stored_working_size(display)
        scaler = VideoReformatter()  # one for all pictures: creating a scaler costs more than the scaling
        buffers = _Buffers()
        comparison = _Comparison(display.stored) if compare else None
        number = 0
        for frame in self._frames():
            rgb = None
            try:
                change = comparison.change(frame) if comparison is not None else 0.0
                if wanted is None or wanted(number):
                    if display.crop == NO_CROP:
                        scaled = scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1)
                        rgb = buffers.copied(display.turned(_view_of(scaled)))
                    else:
                        whole = scaler.reformat(frame, format="rgb24", threads=1).to_ndarray()
                        rgb = buffers.copied(display.turned(_scaled(display.crop.apply(whole), width, height)))
            except (av.error.FFmpegError, OSError, ValueError) as error:
                raise_if_passing(self._path, error)
                self._progress.stamps_s.pop()
                self._progress.notes.append(f"decoding stopped after {number} pictures: {reason_of(error)}")
                break
            self._progress.change.append(change)
            if rgb is not None:
                yield rgb
            if last is not None and number >= last:
                return
            number += 1
        if number == 0:
            raise ClipError(f"{self._path}: no picture can be decoded; the file is damaged")

    def record(self) -> PictureRecord:
        """What is known after a whole pass in which pictures were compared. Raises ClipError where they last too long."""
        done = self._progress
        times = picture_times(done.stamps_s, self._tick_s, self._rates)
        end_s = end_of_pictures(times, done.last_duration_s)
        if len(times) == 1:
            end_s = max(end_s, self._facts.duration_s)
        if end_s > LONGEST_S:
            raise ClipError(
                f"{self._path}: its pictures last {end_s:.0f} s; clips up to {LONGEST_S:.0f} s can be scored; its clock may be damaged"
            )
        return PictureRecord(times, end_s, np.array(done.change), tuple(done.notes))

    def _frames(self) -> Iterator[Any]:
        """The decoded frames, in the decoder's order; what cannot be decoded is left out and remarked."""
        import os

        import av

        done = self._progress
        failures, reason, leading = 0, "", 0
        with open_media(self._path) as container:
            stream = container.streams[self._facts.video_index]
            stream.thread_type = "AUTO"
            cut_anywhere(stream)
            stream.codec_context.thread_count = min(MOST_THREADS, os.cpu_count() or 1)
            self._rates, self._tick_s = rates_of(stream), float(stream.time_base or 0)
            use_dts = uses_decoding_times(container)
            step_s = 1.0 / self._facts.fps if self._facts.fps > 0 else 0.04
            for packet in packets_of(self._path, container, [stream]):
                try:
                    frames = stream.codec_context.decode(packet)
                except (av.error.FFmpegError, OSError, ValueError) as error:
                    raise_if_passing(self._path, error)
                    failures, reason = failures + 1, reason_of(error)
                    continue
                for frame in frames:
                    stamp = stamp_of(frame, use_dts=use_dts)
                    if stamp is None and not done.stamps_s and self._facts.timed:
                        leading += 1  # as a cut without new encoding leaves them: when they are to be shown is not known
                        continue
                    if stamp is None or (use_dts and frame.dts is None and done.stamps_s):
                        stamp = done.stamps_s[-1] + step_s if done.stamps_s else 0.0
                    done.stamps_s.append(stamp)
                    done.last_duration_s = seconds_of(frame.duration or 0, frame.time_base) if frame.time_base else 0.0
                    yield frame
        if leading:
            done.notes.append(f"the first {leading} pictures have no time and are left out")
        if failures:
            pieces = "1 piece" if failures == 1 else f"{failures} pieces"
            done.notes.append(f"{pieces} of the picture could not be decoded: {reason}")


def _scaled(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at another size, scaled by area."""
    import cv2

    if rgb.shape[:2] == (height, width):
        return np.ascontiguousarray(rgb)
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def _view_of(frame: Any) -> np.ndarray:
    """The pixels (H, W, 3) of an rgb24 frame, not copied."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : 3 * frame.width].reshape(frame.height, frame.width, 3)


class _Buffers:
    """Memory for pictures, used again as soon as nobody refers to it.

    Without this the memory of a process grows with the length of the clip: what a consumer keeps of each picture is stored in the gap that
    the picture before it left, and the next picture no longer fits there.
    """

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []

    def copied(self, rgb: np.ndarray) -> np.ndarray:
        """A copy of a picture."""
        for at in range(len(self._arrays)):
            if self._arrays[at].shape == rgb.shape and _references(self._arrays, at) <= UNUSED:
                break
        else:
            self._arrays = [*self._arrays[-MOST_BUFFERS + 1 :], np.empty(rgb.shape, rgb.dtype)]
            at = -1
        self._arrays[at][...] = rgb
        return self._arrays[at]


def _references(arrays: list[np.ndarray], at: int) -> int:
    """How many references there are to an array of a list, this look at it included."""
    return sys.getrefcount(arrays[at])


#: The references to an array that nobody but its list refers to. Counted, because versions of Python count differently.
UNUSED = _references([np.empty(0)], 0)


class _Comparison:
    """Compares each picture with the one before, at a small size, in grey."""

    def __init__(self, stored: tuple[int, int]) -> None:
        from av.video.reformatter import VideoReformatter

        self._step = max(1, -(-min(stored) // COMPARED_SIDE))
        self._size = max(1, stored[0] // self._step), max(1, stored[1] // self._step)
        self._scaler = VideoReformatter()
        self._before: np.ndarray | None = None

    def change(self, frame: Any) -> float:
        """The largest mean absolute difference of a block to the picture before, 0..255."""
        import cv2

        before, self._before = self._before, self._grey(frame)
        grey = self._before
        if before is None:
            return 0.0
        if before.shape != grey.shape:  # the size changes within the file
            return 255.0
        sums = cv2.boxFilter(cv2.absdiff(grey, before), cv2.CV_16U, (COMPARED_BLOCK, COMPARED_BLOCK), normalize=False)
        return float(sums.max()) / COMPARED_BLOCK**2

    def _grey(self, frame: Any) -> np.ndarray:
        """The picture in grey at the small size: pixels of its luma plane where there is one, which costs almost nothing."""
        width, height = self._size
        if frame.format.name in LUMA_FIRST:
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            return np.ascontiguousarray(luma[: frame.height : self._step, : frame.width : self._step])
        scaled = self._scaler.reformat(frame, width=width, height=height, format="gray", interpolation="POINT", threads=1)
        grey: np.ndarray = scaled.to_ndarray()
        return grey
