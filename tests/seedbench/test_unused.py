"""No code that only tests call: every defined name is used by code outside the tests, or named in the documentation or the entry points."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.seedbench.test_architecture import FILES, ROOT

#: A decorator of these makes a function somebody else's to call.
REGISTERS = {"command", "callback", "model_validator", "field_validator"}


def definitions(tree: ast.Module, outsiders: set[str]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes of a module, and methods of classes whose bases are all known here (others may be called by a framework)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        if isinstance(node, ast.ClassDef) and not {base_of(base) for base in node.bases} & outsiders:
            yield from (member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef))


def base_of(node: ast.expr) -> str:
    """The last name of a base class: ``Module`` for ``nn.Module``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def registered(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator registers the function with a framework."""
    called = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list]
    return bool({base_of(decorator) for decorator in called} & REGISTERS)


def uses(tree: ast.AST) -> set[str]:
    """Names read anywhere in a tree, except a definition's own inside itself."""
    used: set[str] = set()
    waiting: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside |= {node.name}
        elif isinstance(node, ast.ImportFrom):
            used.update(alias.name for alias in node.names if alias.asname)
        elif isinstance(node, ast.Attribute) and node.attr not in inside:
            used.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in inside:
            used.add(node.id)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
    return used


def unused(sources: dict[str, str], named_elsewhere: str) -> list[str]:
    """What is defined in ``sources`` (text by file name) and neither used there nor a word of ``named_elsewhere``."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    used = set().union(*map(uses, trees.values())) | set(re.findall(r"\w+", named_elsewhere))
    ours = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)} | {"NamedTuple", "Protocol"}
    bases = {base_of(base) for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases}
    idle = []
    for name, tree in trees.items():
        candidates = (
            node for node in definitions(tree, bases - ours) if not (node.name in used or node.name.startswith("__") or registered(node))
        )
        idle += [f"{name}:{node.lineno} {node.name}" for node in candidates]
    return idle


def documented(texts: Iterable[str]) -> str:
    """The text marked as code in pages of Markdown."""
    return " ".join(piece for text in texts for piece in re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL))


def test_nothing_is_defined_for_tests_alone() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in FILES if "migrations" not in path.parts}
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    entry_points = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[2].partition("[tool.")[0]
    idle = unused(sources, entry_points + documented(page.read_text() for page in pages))
    assert idle == []


def test_code_that_only_itself_or_a_docstring_names_is_detected() -> None:
    sources = {
        "a.py": 'def again():\n    return again()\n\nclass Kept:\n    def idle(self):\n        """See `again`."""\n\nKept()\n',
        "b.py": "import typer\napp = typer.Typer()\n\n@app.command()\ndef run_it(): ...\n\ndef api(): ...\n",
        "c.py": "from framework import Hooks\n\nclass Mine(Hooks):\n    def on_start(self): ...\n\nMine()\n",
    }
    assert unused(sources, documented(["call `api()`, idle or not"])) == ["a.py:1 again", "a.py:5 idle"]
