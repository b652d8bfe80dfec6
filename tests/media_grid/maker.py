"""Makes a small file of each kind of the grid with FFmpeg's command line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tests.media_grid import marked_content as content
from tests.media_grid.command_line import ffmpeg
from tests.media_grid.kinds import MediaKind
from tests.media_grid.mp4_boxes import add_clean_aperture

LENGTH_S = 2.0
#: About where the edit list cuts, and how long before the first picture early sound begins: at the time of a picture.
CUT_S, EARLY_S = 0.5, 0.25
#: What the crop takes away: left and right, top, bottom. The stored size is a multiple of the blocks of all codecs, which else crop too.
SIDES, TOP, BOTTOM = 16, 16, 24
#: Sound packets that are dropped, by the time in the sound, in seconds.
HOLES_S = ((0.5, 0.62), (1.1, 1.5))
_SOUND_SPANS = {"late": (0.3, 2.0), "far-away": (3.0, 3.5), "longer": (0.0, 2.6), "shorter": (0.0, 1.4)}

_VIDEO = {
    "h264": ("libx264", "-preset", "superfast", "-crf", "14", "-x264-params", "scenecut=0:b-adapt=0:threads=1"),
    "hevc": ("libx265", "-preset", "ultrafast", "-crf", "14"),
    "vp9": ("libvpx-vp9", "-cpu-used", "8", "-crf", "14", "-b", "0"),
    "av1": ("libsvtav1", "-preset", "8", "-crf", "8"),
    "mpeg2": ("mpeg2video", "-q", "2"),
    "mpeg4": ("mpeg4", "-q", "2"),
    "mjpeg": ("mjpeg", "-q", "2"),
}
_B_FRAMES = {
    "h264": ("-bf", "3"),
    "hevc": ("-x265-params", "log-level=error:pools=none:frame-threads=1:scenecut=0:b-adapt=0:bframes=3"),
    "vp9": ("-deadline", "good", "-auto-alt-ref", "1", "-lag-in-frames", "16"),
    "av1": ("-svtav1-params", "lp=1:pred-struct=2"),
    "mpeg2": ("-bf", "2"),
    "mpeg4": ("-bf", "2"),
}
_NO_B_FRAMES = {
    "h264": ("-bf", "0"),
    "hevc": ("-x265-params", "log-level=error:pools=none:frame-threads=1:scenecut=0:bframes=0"),
    "vp9": ("-deadline", "realtime", "-lag-in-frames", "0"),
    "av1": ("-svtav1-params", "lp=1:pred-struct=1"),
    "mpeg2": ("-bf", "0"),
    "mpeg4": ("-bf", "0"),
    "mjpeg": (),
}
_SOUND = {
    "mp4": "aac",
    "mov": "aac",
    "mov/mjpeg": "pcm_s16le",
    "webm": "libopus",
    "avi": "pcm_s16le",
    "avi/h264": "libmp3lame",
    "ts": "aac",
    "flv": "aac",
    "mpg": "mp2",
}
_SOUND_IN_MATROSKA = {
    "h264": "aac",
    "hevc": "flac",
    "vp9": "libvorbis",
    "av1": "libopus",
    "mpeg2": "mp2",
    "mpeg4": "libmp3lame",
    "mjpeg": "pcm_s16le",
}
_MUXER = {"mkv": "matroska", "ts": "mpegts", "mpg": "mpeg"}
#: The pictures are stored so that the display matrix turns them upright; angles are FFmpeg's, counter-clockwise.
_TURNED = {
    "turned-90": ("transpose=clock", 90),
    "turned-180": ("hflip,vflip", 180),
    "turned-270": ("transpose=cclock", 270),
    "mirrored": ("hflip", 0),
}
_COLOURS = {
    "full-range": ("bt470bg", "bt470bg", "smpte170m", "pc"),
    "bt601": ("smpte170m", "smpte170m", "smpte170m", "tv"),
    "bt709": ("bt709", "bt709", "bt709", "tv"),
    "bt2020": ("bt2020nc", "bt2020", "bt709", "tv"),
}


def make_sources(folder: Path) -> None:
    """Write the pictures and the sounds that all files of the grid are made of into a folder."""
    (folder / "pictures.rgb").write_bytes(content.pictures().tobytes())
    (folder / "cover.rgb").write_bytes((255 - content.picture(77)).tobytes())
    for track in (0, 1):
        (folder / f"sound{track}.f32").write_bytes(content.sound(track).tobytes())


def new_picture_time_s(kind: MediaKind, number: int) -> float:
    """When the picture of that number appears in the film that a file of this kind is cut from, in seconds."""
    if kind.timing == "variable":
        return (number * 40 + number * number % 5 * 9) / 1000
    return float(number / kind.fps)


def _at_a_picture(kind: MediaKind, time_s: float, rate: Fraction) -> float:
    """The time of a picture near that time."""
    if kind.timing == "variable":
        return next(new_picture_time_s(kind, number) for number in range(200) if new_picture_time_s(kind, number) >= time_s)
    return float(round(time_s * rate) / rate)


def make_file(kind: MediaKind, folder: Path, sources: Path) -> Path:
    """Make a file.

    Args:
        kind: what it shall be.
        folder: where to put it, under a name of its own.
        sources: the folder of :func:`make_sources`.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"whole.{kind.container}"
    arguments = _inputs(kind, sources) + _video(kind) + _sound(kind) + _tracks(kind)
    ffmpeg("-v", "error", *arguments, "-f", _MUXER.get(kind.container, kind.container), f"file:{path}")
    if kind.cut == "edit-list":
        path = _copied(path, folder / f"cut.{kind.container}", "-ss", f"{_at_a_picture(kind, CUT_S, kind.fps):.6f}")
    if kind.geometry == "cropped" and kind.container in ("mp4", "mov"):
        add_clean_aperture(path, content.WIDTH, content.HEIGHT, below_middle=(TOP - BOTTOM) // 2)
    if kind.geometry == "cropped" and kind.container in ("mkv", "webm"):
        path = _cropped_matroska(kind, path, folder)
    prefix = "clip" if kind.name == "plain" else kind.name
    return path.rename(folder / f"{prefix}{'' if prefix.endswith('d') else 'a'}.{kind.container}")


def _inputs(kind: MediaKind, sources: Path) -> list[object]:
    """The pictures as input 0, two sounds as 1 and 2, a cover picture as 3."""
    arguments: list[object] = []
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{content.WIDTH}x{content.HEIGHT}")
    if kind.geometry in _TURNED and kind.container in ("mp4", "mov", "mkv", "webm"):
        angle = _TURNED[kind.geometry][1]
        arguments += ["-display_rotation", angle] if angle else ["-display_rotation", 0, "-display_hflip"]
    arguments += ["-noautorotate", *raw, "-r", kind.fps, "-i", sources / "pictures.rgb"]
    for track in (0, 1):
        arguments += ["-f", "f32le", "-ar", content.RATE, "-ac", 1, "-i", sources / f"sound{track}.f32"]
    return [*arguments, *raw, "-r", 25, "-i", sources / "cover.rgb"]


def _sound_span(kind: MediaKind) -> tuple[float, float]:
    """When the sound begins and ends, in seconds from the first picture."""
    if kind.sound == "early":
        return -_at_a_picture(kind, EARLY_S, kind.stored_fps), LENGTH_S
    return _SOUND_SPANS.get(kind.sound, (0.0, LENGTH_S))


def _video(kind: MediaKind) -> list[object]:
    stream = "v:1" if kind.cover == "first" else "v:0"
    steps = [f"trim=end_frame={_n_new(kind)}"]
    if kind.timing == "variable":
        steps.append("settb=1/1000,setpts='N*40+mod(N*N\\,5)*9'")
    elif "-in-" in kind.timing:
        steps.append(f"fps={kind.stored_fps}")
    if kind.sound == "early":
        steps.append(f"setpts=PTS+round({-_sound_span(kind)[0]}/TB)")
    if kind.geometry in _TURNED:
        steps.append(_TURNED[kind.geometry][0])
    elif kind.geometry == "anamorphic":
        steps.append(f"scale={content.WIDTH * 3 // 4}:{content.HEIGHT},setsar=4/3")
    elif kind.geometry == "cropped":
        steps.append(f"pad={content.WIDTH + 2 * SIDES}:{content.HEIGHT + TOP + BOTTOM}:{SIDES}:{TOP}:magenta")
    elif kind.geometry == "odd-size":
        steps.append(f"scale={content.WIDTH + 1}:{content.HEIGHT + 1}")
    whole_chroma = kind.geometry == "odd-size" and kind.codec in ("h264", "hevc")
    pixels = ("yuvj444p" if kind.codec == "mjpeg" else "yuv444p") if whole_chroma else "yuvj420p" if kind.codec == "mjpeg" else "yuv420p"
    matrix, primaries, transfer, span = _COLOURS.get(kind.colour, ("", "", "", ""))
    if matrix and kind.codec != "mjpeg":
        steps.append(f"scale=out_color_matrix={matrix}:out_range={span},format={pixels}")
        tags = ["-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer, "-color_range", span]
    else:
        steps.append(f"format={pixels}")
        tags = []
    encoder, *options = _VIDEO[kind.codec]
    order = (_B_FRAMES if kind.order == "b-frames" else _NO_B_FRAMES)[kind.codec]
    filters: list[object] = []
    if kind.codec == "h264" and kind.container not in ("mp4", "mov", "mkv", "webm"):
        filters = _in_stream(kind)
    elif kind.codec == "hevc" and kind.geometry == "cropped" and kind.container not in ("mp4", "mov", "mkv", "webm"):
        filters = [f"hevc_metadata=crop_left={SIDES}:crop_right={SIDES}:crop_top={TOP}:crop_bottom={BOTTOM}"]
    settings = [*options, *order, "-g", "30", *tags]
    named = [value if index % 2 else f"{value}:{stream}" for index, value in enumerate(settings)]
    result: list[object] = [f"-c:{stream}", encoder, *named, "-strict", -1]
    result += [f"-filter:{stream}", ",".join(steps), f"-fps_mode:{stream}", "passthrough"]
    if kind.timing == "variable":
        result += [f"-enc_time_base:{stream}", "1/1000"]
    return result + ([f"-bsf:{stream}", filters[0]] if filters else [])


def _n_new(kind: MediaKind) -> int:
    """How many pictures differ."""
    return round(LENGTH_S * kind.fps)


def _in_stream(kind: MediaKind) -> list[object]:
    """The filter that writes rotation or crop into an H.264 stream, for containers that hold neither."""
    if kind.geometry == "cropped":
        return [f"h264_metadata=crop_left={SIDES}:crop_right={SIDES}:crop_top={TOP}:crop_bottom={BOTTOM}"]
    if kind.geometry == "mirrored":
        return ["h264_metadata=display_orientation=insert:flip=horizontal"]
    if kind.geometry in _TURNED:
        return [f"h264_metadata=display_orientation=insert:rotate={_TURNED[kind.geometry][1]}"]
    return []


def _sound(kind: MediaKind) -> list[object]:
    if kind.sound == "none":
        return ["-an"]
    encoder = (
        _SOUND_IN_MATROSKA[kind.codec]
        if kind.container == "mkv"
        else _SOUND.get(f"{kind.container}/{kind.codec}") or _SOUND[kind.container]
    )
    if kind.sound == "5.1" and encoder in ("libmp3lame", "mp2"):
        encoder = "ac3"
    arguments: list[object] = ["-c:a", encoder, "-b:a", "192k"]
    if kind.sound == "holes":
        dropped = "+".join(f"between(pts*tb\\,{begin}\\,{end})" for begin, end in HOLES_S)
        arguments += ["-bsf:a", f"noise=drop='{dropped}'"]
    begin, end = _sound_span(kind)
    steps = [f"atrim=start={content.BEFORE_S + begin}:end={content.BEFORE_S + end},asetpts=PTS-({content.BEFORE_S + min(0.0, begin)})/TB"]
    if kind.sound == "antiphase":
        steps.append("pan=stereo|c0=c0|c1=-1*c0")
    if kind.sound == "5.1":
        steps.append("pan=5.1|FL=0.1*c0|FR=0.1*c0|FC=c0|LFE=0*c0|BL=0*c0|BR=0*c0")
    return [*arguments, "-filter:a", ",".join(steps)]


def _tracks(kind: MediaKind) -> list[object]:
    arguments: list[object] = []
    if kind.cover == "first":
        arguments += ["-map", "3:v", "-c:v:0", "mjpeg", "-disposition:v:0", "attached_pic"]
        arguments += ["-map", "0:v", "-disposition:v:1", "default"]
    else:
        arguments += ["-map", "0:v"]
    if kind.sound in ("second-is-default", "commentary-first"):
        first = "comment" if kind.sound == "commentary-first" else "0"
        return [*arguments, "-map", "2:a", "-map", "1:a", "-disposition:a:0", first, "-disposition:a:1", "default"]
    return arguments if kind.sound == "none" else [*arguments, "-map", "1:a"]


def _copied(source: Path, goal: Path, *before: object) -> Path:
    """The file with its streams copied."""
    ffmpeg("-v", "error", *before, "-i", f"file:{source}", "-map", "0", "-c", "copy", f"file:{goal}")
    return goal


def _cropped_matroska(kind: MediaKind, path: Path, folder: Path) -> Path:
    """Matroska's crop comes from an MP4's: FFmpeg's command line has no option for it."""
    boxed = folder / "boxed.mp4"
    ffmpeg("-v", "error", "-i", f"file:{path}", "-map", "0", "-c", "copy", "-strict", -2, f"file:{boxed}")
    add_clean_aperture(boxed, content.WIDTH, content.HEIGHT, below_middle=(TOP - BOTTOM) // 2)
    return _copied(boxed, folder / f"cropped.{kind.container}")
