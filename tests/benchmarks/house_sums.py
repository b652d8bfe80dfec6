"""The sums of the house: how many rooms, floors, arrows and circles its code has, now or in any commit.

    python tests/benchmarks/house_sums.py                  the working tree
    python tests/benchmarks/house_sums.py bfefee4 .        a commit beside the working tree
    python tests/benchmarks/house_sums.py . --rooms        and each room with its floor and what it imports

The rooms of a folder are the modules and the folders in it; ``__init__.py`` is no room. An arrow leads from a room to another that it
imports, wherever in a module the import stands, and is counted once. A room stands one floor above the highest room that it imports;
rooms that import each other, directly or through others, are a circle and share a floor. Arrows that run back up are the arrows of
circles that would have to go for no circle to be left. The same sums of single modules count each module as a room.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.import_graph import Graph, circles_in, floors_of, module_graph

ROOT = Path(__file__).parents[2]
FOLDERS = ("seedbench", "metrics", "generators", "arena")
WORKING_TREE = "."
MOST_LINES = 400


@dataclass(frozen=True)
class House:
    """The modules of a tree, text by dotted name. A name begins with the top folder, also where that is linked into ``seedbench/``."""

    sources: Mapping[str, str]

    @classmethod
    def of(cls, files: Mapping[str, str]) -> House:
        """The house of the Python files of a tree, text by path from its root."""
        linked = re.compile(rf"\bseedbench\.({'|'.join(FOLDERS[1:])})\b")
        sources = {}
        for path, text in files.items():
            parts = path.removesuffix(".py").split("/")
            if parts[0] in FOLDERS:
                sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = linked.sub(r"\1", text)
        return cls(sources)

    @property
    def folders(self) -> list[str]:
        """Top folders that the tree has, in our order."""
        return [folder for folder in FOLDERS if folder in self.sources]

    def modules(self, folder: str) -> dict[str, set[str]]:
        """Each module of a top folder, with those of the same folder that it imports."""
        inside = {name: text for name, text in self.sources.items() if name.split(".")[0] == folder}
        return module_graph(inside)

    def rooms(self, folder: str) -> dict[str, set[str]]:
        """Each room of a top folder, with those that it imports."""
        rooms: dict[str, set[str]] = {}
        for module, imported in self.modules(folder).items():
            if "." in module:
                room = module.split(".")[1]
                rooms.setdefault(room, set()).update({name.split(".")[1] for name in imported if "." in name} - {room})
        return rooms

    def lengths(self, folder: str) -> dict[str, int]:
        """Lines of each module of a top folder."""
        return {name: len(text.splitlines()) for name, text in self.sources.items() if name.split(".")[0] == folder}


def arrows_in(graph: Graph) -> int:
    """How many arrows a graph has."""
    return sum(map(len, graph.values()))


def arrows_back_up(graph: Graph) -> list[tuple[str, str]]:
    """Arrows to take away until no circle is left: each time the one that leaves the fewest rooms in circles."""
    graph = {room: set(imported) for room, imported in graph.items()}
    removed = []
    while circles := circles_in(graph):
        candidates = [(room, other) for circle in circles for room in circle for other in sorted(graph[room] & set(circle))]
        room, other = min(candidates, key=lambda arrow: sum(map(len, circles_in(_without(graph, *arrow)))))
        graph = _without(graph, room, other)
        removed.append((room, other))
    return removed


def _without(graph: Graph, room: str, other: str) -> dict[str, set[str]]:
    return {name: imported - {other} if name == room else set(imported) for name, imported in graph.items()}


def sums_of(house: House, folder: str) -> dict[str, str]:
    """The sums of one top folder, by what is counted."""
    rooms, modules, lengths = house.rooms(folder), house.modules(folder), house.lengths(folder)
    longest = max(lengths, key=lambda name: lengths[name])
    return {
        "rooms": str(len(rooms)),
        "floors": str(max(floors_of(rooms).values(), default=0)),
        "arrows": str(arrows_in(rooms)),
        "arrows back up": str(len(arrows_back_up(rooms))),
        "circles": str(len(circles_in(rooms))),
        "modules": str(len(modules)),
        "floors of modules": str(max(floors_of(modules).values())),
        "arrows of modules": str(arrows_in(modules)),
        "circles of modules": str(len(circles_in(modules))),
        f"modules over {MOST_LINES} lines": str(sum(lines > MOST_LINES for lines in lengths.values())),
        "lines": str(sum(lengths.values())),
        "longest module": f"{lengths[longest]} {longest.partition('.')[2]}",
    }


def table(houses: Mapping[str, House]) -> str:
    """The sums of all top folders, one column for each house."""
    lines = ["".join([f"{'':26}", *(f"{title:>36}" for title in houses)])]
    for folder in dict.fromkeys(folder for house in houses.values() for folder in house.folders):
        columns = [sums_of(house, folder) if folder in house.folders else {} for house in houses.values()]
        lines += ["", folder]
        for row in next(filter(None, columns)):
            lines.append("".join([f"  {row:24}", *(f"{column.get(row, '-'):>36}" for column in columns)]))
    return "\n".join(lines)


def room_list(house: House) -> str:
    """Each room of each top folder, from the highest floor down, with what it imports."""
    lines = []
    for folder in house.folders:
        rooms = house.rooms(folder)
        floors = floors_of(rooms)
        lines += ["", folder]
        for room in sorted(rooms, key=lambda room: (-floors[room], room)):
            lines.append(f"  {floors[room]:3}  {room:20} {' '.join(sorted(rooms[room]))}".rstrip())
    return "\n".join(lines)


def read_tree(root: Path) -> dict[str, str]:
    """The Python files of a working tree by path; links are not followed."""
    files = (path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py")))
    linked = {root / "seedbench" / folder for folder in FOLDERS}
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files if not linked & set(path.parents)}


def read_commit(commit: str) -> dict[str, str]:
    """The Python files of a commit by path, without a checkout."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    files = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".py") and (content := archive.extractfile(member)):
                files[member.name] = content.read().decode()
    return files


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the sums of the trees that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", nargs="*", default=[WORKING_TREE], help="a commit, or . for the working tree (the default)")
    parser.add_argument("--rooms", action="store_true", help="print each room with its floor and what it imports")
    asked = parser.parse_args(arguments)
    houses = {
        "working tree" if tree == WORKING_TREE else tree: House.of(read_tree(ROOT) if tree == WORKING_TREE else read_commit(tree))
        for tree in asked.tree
    }
    print(table(houses))
    if asked.rooms:
        for title, house in houses.items():
            print(f"\n{title}: floor, room, what it imports{room_list(house)}")


if __name__ == "__main__":
    main()
