"""The kinds of media files of the grid: what varies, and which values are impossible together, with the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache

from tests.media_grid.pairwise import Pair, Row, cover_pairs

FACTORS = {
    "container": ("mp4", "mov", "mkv", "webm", "avi", "ts", "flv", "mpg"),
    "codec": ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "mpeg2"),
    "geometry": ("plain", "turned-90", "turned-180", "turned-270", "mirrored", "anamorphic", "cropped", "odd-size"),
    "colour": ("untagged", "full-range", "bt601", "bt709", "bt2020"),
    "timing": ("25", "23.976", "29.97", "59.94", "variable", "12-in-24", "15-in-30", "24-in-30", "24-in-25", "25-in-60"),
    "order": ("as-shown", "b-frames"),
    "cut": ("whole", "edit-list"),
    "sound": (
        "plain",
        "none",
        "holes",
        "late",
        "early",
        "longer",
        "shorter",
        "second-is-default",
        "commentary-first",
        "antiphase",
        "5.1",
    ),
    "cover": ("none", "first"),
    "name": ("plain", "concat:", "http:", "a%03d", "-i", "subfile,,start,0,end,9,,:"),
}
#: Pairs with these are covered; the other factors meet as it happens.
CROSSED = ("container", "codec")

_BOXES = ("mp4", "mov")
_MATROSKA = ("mkv", "webm")
_CODECS = {
    "mp4": ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg"),
    "mov": ("h264", "hevc", "mpeg4", "mjpeg"),
    "mkv": ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "mpeg2"),
    "webm": ("vp9", "av1"),
    "avi": ("h264", "mpeg4", "mjpeg"),
    "ts": ("h264", "hevc", "mpeg4", "mpeg2"),
    "flv": ("h264", "hevc", "vp9", "av1"),
    "mpg": ("mpeg2",),
}


@dataclass(frozen=True)
class MediaKind:
    """One kind of file, by the values of :data:`FACTORS`."""

    container: str = "mp4"
    codec: str = "h264"
    geometry: str = "plain"
    colour: str = "untagged"
    timing: str = "25"
    order: str = "as-shown"
    cut: str = "whole"
    sound: str = "plain"
    cover: str = "none"
    name: str = "plain"

    def __str__(self) -> str:
        usual = asdict(MediaKind())
        unusual = [
            f"{factor} {value}" if factor in ("cover", "name", "sound") else value
            for factor, value in asdict(self).items()
            if factor not in ("container", "codec") and value != usual[factor]
        ]
        return ", ".join([f"{self.container}/{self.codec}", *unusual])

    @property
    def fps(self) -> Fraction:
        """The rate at which new pictures come, in frames per second."""
        first = self.timing.split("-")[0]
        return Fraction(25) if first == "variable" else {**_NTSC}.get(first) or Fraction(first)

    @property
    def stored_fps(self) -> Fraction:
        """The rate at which pictures are stored: higher than :attr:`fps` where some are held."""
        return Fraction(self.timing.split("-")[2]) if "-in-" in self.timing else self.fps


_NTSC = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}


def reason_against(row: Row) -> str:
    """Why no file has these values together; "" where one can be written. The row need not hold all factors."""
    container, codec = row.get("container", ""), row.get("codec", "")
    for reason, applies in (
        (
            f"FFmpeg writes no {codec} into {container} that it reads back with its times",
            container and codec and codec not in _CODECS[container],
        ),
        *_against_geometry(row.get("geometry", "plain"), container, codec),
        *_against_colour(row.get("colour", "untagged"), codec),
        *_against_timing(row, container, codec),
        *_against_sound(row.get("sound", "plain"), row.get("cut", "whole"), container, codec),
    ):
        if applies:
            return str(reason)
    return ""


def _against_geometry(geometry: str, container: str, codec: str) -> tuple[tuple[str, object], ...]:
    holds_shape = not container or container in (*_BOXES, *_MATROSKA)
    turned = geometry.startswith("turned") or geometry == "mirrored"
    return (
        (f"{container} holds no rotation, and of the codecs only h264 does", turned and not holds_shape and codec not in ("", "h264")),
        (
            f"{container} holds no pixel aspect, and {codec} does not either",
            geometry == "anamorphic" and not holds_shape and codec in ("vp9", "av1"),
        ),
        (
            f"{container} holds no crop, and of the codecs only h264 and hevc do",
            geometry == "cropped" and not holds_shape and codec not in ("", "h264", "hevc"),
        ),
        ("FFmpeg's SVT-AV1 takes even sizes only", geometry == "odd-size" and codec == "av1"),
    )


def _against_colour(colour: str, codec: str) -> tuple[tuple[str, object], ...]:
    return (
        ("MPEG-2 has no full range", codec == "mpeg2" and colour == "full-range"),
        ("JPEG is full range and BT.601", codec == "mjpeg" and colour in ("bt709", "bt2020", "bt601")),
        ("FFmpeg writes no colour into MPEG-4 and does not heed the container's", codec == "mpeg4" and colour != "untagged"),
    )


def _against_timing(row: Row, container: str, codec: str) -> tuple[tuple[str, object], ...]:
    timing = row.get("timing", "25")
    return (
        ("AVI has no times, only a rate", container == "avi" and timing == "variable"),
        ("MPEG-2 has one rate", codec == "mpeg2" and timing == "variable"),
        ("each JPEG stands alone", codec == "mjpeg" and row.get("order") == "b-frames"),
        ("only MP4 and MOV have edit lists", row.get("cut") == "edit-list" and container not in ("", *_BOXES)),
        ("a cut at a JPEG hides nothing: each is a key frame", row.get("cut") == "edit-list" and codec == "mjpeg"),
        (
            f"{container} holds no cover picture as FFmpeg writes it",
            row.get("cover") == "first" and container not in ("", "mp4", "mkv"),
        ),
    )


def _against_sound(sound: str, cut: str, container: str, codec: str) -> tuple[tuple[str, object], ...]:
    return (
        ("AVI has no times: sound begins with the picture and has no holes", container == "avi" and sound in ("holes", "late", "early")),
        ("FLV has a single sound track", container == "flv" and sound in ("second-is-default", "commentary-first")),
        (
            f"{container} marks no track as the default",
            container in ("avi", "ts", "mpg") and sound in ("second-is-default", "commentary-first"),
        ),
        ("PCM in MOV has no times", sound == "holes" and container == "mov" and codec == "mjpeg"),
        ("cutting by stream copy keeps a start or an end of the sound only by chance", cut == "edit-list" and sound in ("late", "early")),
    )


@lru_cache(maxsize=1)
def grid() -> tuple[tuple[MediaKind, ...], dict[Pair, str]]:
    """The kinds that cover all possible pairs with a container or a codec, and the impossible pairs with their reasons."""
    rows, impossible = cover_pairs(FACTORS, reason_against, crossed=CROSSED)
    return tuple(MediaKind(**row) for row in rows), impossible
