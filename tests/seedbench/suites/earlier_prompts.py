"""Random prompts as version 0.1 wrote them: all fields of its model, and the same prompts with some of the defaults left out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

LOOK = {
    "identity": (0, st.integers(-5, 10**12)),
    "skin": (None, st.sampled_from(["fair", "light", "tan", "brown", "dark"])),
    "hair": (None, st.sampled_from(["black", "brown", "blond", "red", "grey", "blue", "green", "purple"])),
    "hair_style": (None, st.sampled_from(["short", "long", "bald", "curly"])),
    "eyes": (None, st.sampled_from(["brown", "blue", "green", "grey"])),
    "face": (None, st.sampled_from(["round", "oval", "long", "square"])),
    "beard": (None, st.booleans()),
    "glasses": (None, st.booleans()),
    "clothes": (None, st.sampled_from(["red", "blue", "green", "yellow", "white", "black", "orange", "purple"])),
}
SHOT = {
    "framing": ("medium", st.sampled_from(["close", "wide"])),
    "light": ("day", st.sampled_from(["warm", "cool", "dim"])),
    "pose": ("front", st.sampled_from(["left", "right"])),
    "camera": ("static", st.sampled_from(["pan", "push"])),
    "place": ("studio", st.sampled_from(["street", "park", "room", "night"])),
}
KINDS = ["drop", "throw", "bounce", "roll", "collide", "pendulum", "knock", "clap", "bell", "beep", "cloth", "water", "smoke"]
OBJECTS = ["wooden ball", "steel ball", "glass marble", "basketball", "box", "none"]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES_S = st.floats(0, 0.9)
EVENT = {
    "object": ("rubber ball", st.sampled_from(OBJECTS)),
    "start_s": (0.3, TIMES_S),
    "height_m": (1.5, NUMBERS),
    "speed_m_s": (0.0, NUMBERS),
    "restitution": (0.7, st.floats(0, 1)),
    "sound": (True, st.just(False)),
    "times_s": ([], st.lists(TIMES_S, min_size=1, max_size=3)),
}
MUSIC = {"style": ("drums", st.sampled_from(["piano", "synth"])), "cuts": ("none", st.sampled_from(["on_beat", "off_beat"]))}
TASKS = ["talking", "dialogue", "characters", "multi_shot", "impact", "motion", "fluid", "sound"]
TASKS += ["music", "text", "reference", "strength", "extension", "edit", "unknown"]
ROLES = ["appearance", "style", "motion", "camera", "voice", "rhythm", "first_frame", "source"]
REFERENCE = {
    "strength": (1.0, st.floats(0, 1)),
    "person": (False, st.just(True)),
    "consent": (None, st.text(max_size=3)),
}
Fields = dict[str, tuple[Any, st.SearchStrategy[Any]]]


@st.composite
def prompts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """One prompt twice: as a user may have written it, and as version 0.1 stored it with all its defaults."""

    def row(fields: Fields, **stated: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The row with some defaults left out, and the complete one."""
        written, complete = dict(stated), dict(stated)
        for name, (default, others) in fields.items():
            how = draw(st.sampled_from(["left out", "default", "other"]))
            complete[name] = draw(others) if how == "other" else default
            if how != "left out":
                written[name] = complete[name]
        return written, complete

    written: dict[str, Any] = {"id": draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,5}", fullmatch=True)), "text": draw(st.text(max_size=5))}
    written |= {"task": draw(st.sampled_from(TASKS)), "duration_s": draw(st.floats(1, 60))}
    complete = dict(written)

    def add(section: str, rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        complete[section] = [whole for _, whole in rows]
        if rows or draw(st.booleans()):
            written[section] = [part for part, _ in rows]

    def with_look(part: dict[str, Any], whole: dict[str, Any], default: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if not draw(st.booleans()):
            return part, {**whole, "look": default}
        look, complete_look = row(LOOK)
        return {**part, "look": look}, {**whole, "look": complete_look}

    assets = [f"image:{number}" for number in range(1, 1 + draw(st.integers(0, 2)))]
    references = [row(REFERENCE, id=asset, path="a.png", role=draw(st.sampled_from(ROLES))) for asset in assets]
    add("references", [with_look(*pair, default=None) for pair in references])
    people = draw(st.lists(st.text(max_size=3), max_size=3, unique=True))
    plain_look = {name: default for name, (default, _) in LOOK.items()}
    person: Fields = {"voice": ("low", st.just("high")), "reference": (None, st.sampled_from(assets) if assets else st.none())}
    add("cast", [with_look(*row(person, id=name), default=plain_look) for name in people])
    cuts_s = [0.0, *([complete["duration_s"] / 2] if draw(st.booleans()) else []), complete["duration_s"]]
    shot: Fields = {**SHOT, "cast": ([], st.just(people))}
    times_s = list(pairwise(cuts_s)) if draw(st.booleans()) else []
    add("shots", [row(shot, start_s=start_s, end_s=end_s) for start_s, end_s in times_s])
    line: Fields = {"language": ("en", st.just("pt-BR")), "start_s": (0.2, TIMES_S)}
    add("speech", [row(line, character=name, text=draw(st.text(max_size=3))) for name in people if draw(st.booleans())])
    add("events", [row(EVENT, kind=kind) for kind in draw(st.lists(st.sampled_from(KINDS), max_size=3))])
    written_text: Fields = {"start_s": (0.0, NUMBERS), "end_s": (None, NUMBERS)}
    add("text_in_frame", [row(written_text, text=text) for text in draw(st.lists(st.text(max_size=3), max_size=2))])
    single: Fields = {"sweep": (None, st.text(max_size=3)), "extends": (None, st.sampled_from(assets) if assets else st.none())}
    single["not_simulated"] = ("", st.text(min_size=1, max_size=3))
    part, whole = row(single)
    written, complete = {**written, **part}, {**complete, **whole, "simulated": True, "music": None, "edit": None}
    if complete["not_simulated"]:
        complete["simulated"] = draw(st.booleans())
    if not complete["simulated"] or draw(st.booleans()):
        written["simulated"] = complete["simulated"]
    if draw(st.booleans()):
        written["music"], complete["music"] = row(MUSIC, tempo_bpm=draw(st.floats(40, 240)))
    if assets and draw(st.booleans()):
        change = draw(st.sampled_from(["background", "voice", "clothes", "light"]))
        written["edit"], complete["edit"] = row({"keep": ([], st.just(["face"]))}, source=assets[0], change=change, to="red")
    return written, complete
