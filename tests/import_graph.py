"""Which module imports which, and the sums of such a graph: circles and floors."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

#: Names of modules, or of folders, and for each those that it imports.
Graph = Mapping[str, set[str]]


def imports_in(source: str) -> list[str]:
    """Absolute names that a module imports: at its top, inside functions and for type checking alike; ``a.b`` for ``from a import b``."""
    return [name for _, name in imports_by_line(source)]


def imports_by_line(source: str) -> Iterator[tuple[int, str]]:
    """The same, each with the line of the import.

    Raises:
        ValueError: the module has a relative import, which hides its direction.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: a relative import hides its direction")
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def module_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Which of the modules each of them imports. ``sources`` holds their text by dotted name."""
    return {
        module: {name if name in sources else name.rpartition(".")[0] for name in imports_in(source)} & (sources.keys() - {module})
        for module, source in sources.items()
    }


def circles_in(graph: Graph) -> list[list[str]]:
    """The groups of modules that reach each other, each sorted: the strongly connected components of more than one (Tarjan 1972)."""
    return [sorted(group) for group in components_of(graph) if len(group) > 1]


def components_of(graph: Graph) -> list[list[str]]:
    """The strongly connected components; a component comes after all that it imports."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        open_.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in open_:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            components.append(open_[open_.index(module) :])
            del open_[open_.index(module) :]

    for module in graph:
        if module not in number:
            visit(module)
    return components


def floors_of(graph: Graph) -> dict[str, int]:
    """The floor of each room: 1 for one that imports none, else one above the highest that it imports. Rooms of a circle share a floor."""
    floors: dict[str, int] = {}
    for group in components_of(graph):
        below = {floors[other] for room in group for other in graph[room] if other not in group}
        floors.update(dict.fromkeys(group, 1 + max(below, default=0)))
    return floors
