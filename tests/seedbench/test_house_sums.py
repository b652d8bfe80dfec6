"""The sums of a tiny house whose sums are known, in the layouts before and after the plug-ins' folders were linked into the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.house_sums import House, arrows_back_up, main, read_tree, room_list, sums_of
from tests.import_graph import circles_in, floors_of, imports_in, module_graph

#: Floors: ground 1, walls and stairs (a circle through a function and for type checking) 2, roof 3; the plug-in imports the core.
FILES = {
    "seedbench/__init__.py": "",
    "seedbench/ground.py": "import os\n",
    "seedbench/walls/__init__.py": "",
    "seedbench/walls/brick.py": "from seedbench.ground import clay\n",
    "seedbench/walls/door.py": "from seedbench.walls import brick\ndef later():\n    from seedbench.stairs import step\n",
    "seedbench/stairs.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from seedbench.walls.door import Door\n",
    "seedbench/roof.py": "from seedbench.walls.brick import Brick\nfrom seedbench.walls import door\n" + "\n" * 400,
    "metrics/__init__.py": "",
    "metrics/lamp.py": "from seedbench.roof import hook\nfrom {metrics}.wire import copper\n",
    "metrics/wire.py": "",
    "tests/test_lamp.py": "import seedbench.roof\n",
}


def house(metrics: str) -> House:
    return House.of({path: text.replace("{metrics}", metrics) for path, text in FILES.items()})


def test_the_sums_of_a_tiny_house() -> None:
    assert sums_of(house("seedbench.metrics"), "seedbench") == {
        "rooms": "4",
        "floors": "3",
        "arrows": "4",
        "arrows back up": "1",
        "circles": "1",
        "modules": "7",
        "floors of modules": "4",
        "arrows of modules": "6",
        "circles of modules": "1",
        "modules over 400 lines": "1",
        "lines": "410",
        "longest module": "402 roof",
    }


@pytest.mark.parametrize("name", ["metrics", "seedbench.metrics"])
def test_linked_folders_are_houses_of_their_own(name: str) -> None:
    tiny = house(name)
    assert tiny.folders == ["seedbench", "metrics"]
    assert tiny.rooms("metrics") == {"lamp": {"wire"}, "wire": set()}


def test_rooms_are_listed_from_the_top() -> None:
    lines = room_list(house("metrics")).splitlines()
    assert lines[1:6] == [
        "seedbench",
        "    3  roof                 walls",
        "    2  stairs               walls",
        "    2  walls                ground stairs",
        "    1  ground",
    ]


def test_a_working_tree_is_read_without_its_links(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "seedbench" / "metrics").symlink_to("../metrics")
    assert read_tree(tmp_path) == {path: text for path, text in FILES.items() if not path.startswith("tests/")}


def test_the_working_tree_has_sums(capsys: pytest.CaptureFixture[str]) -> None:
    main(["."])
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if line and line[0] != " "] == ["seedbench", "metrics", "generators", "arena"]


def test_one_arrow_back_up_may_close_two_circles() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"a"}}
    assert arrows_back_up(graph) == [("a", "b")]
    assert floors_of({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}


def test_a_circle_is_detected_inside_functions_and_under_type_checking() -> None:
    sources = {
        "a": "import b",
        "b": "def later():\n    from c import thing",
        "c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a",
        "d": "import a",
    }
    assert circles_in(module_graph(sources)) == [["a", "b", "c"]]


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1: a relative import hides its direction"):
        imports_in("from . import a")
