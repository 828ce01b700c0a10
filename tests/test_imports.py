"""Imports go one way through the house, and two rooms of it touch nothing outside.

    fhir ← search ← store ← validation, terminology ← access, audit ← directory, identity ← notifications
    ← scheduling, beds, records, recognition, consortium ← criteria, handover ← referral, telemedicine ← aftercare
    ← community, pharmacy, insurance, emergency, workforce ← quality ← exchange, analytics ← demo ← http ← app ← command ← cli

A room may import rooms of lower floors, and of its own floor too, as long as no circle comes of it. What a lower room has to tell a higher
one is a hook or a job.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "yilian"

FLOORS = (
    {"fhir"},
    {"search"},
    {"store"},
    {"validation", "terminology"},
    {"access", "audit"},
    {"directory", "identity"},
    {"notifications"},
    {"scheduling", "beds", "records", "recognition", "consortium"},
    {"criteria", "handover"},
    {"telemedicine", "referral"},
    {"aftercare"},
    {"community", "pharmacy", "insurance", "emergency", "workforce"},
    {"quality"},
    {"exchange", "analytics"},
    {"demo"},
    {"http"},
    {"app"},
    {"command"},
    {"cli", "__main__"},
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}

EVERYWHERE: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "config": set(),
    "fonts": set(),
    "postgres": set(),
    "readers": set(),
    "pulse": set(),
    "hearing": set(),
    "disk": {"errors"},
    "writers": set(),
    "sealing": {"errors"},
    "meaning": {"disk", "errors", "writers"},
    "tx": {"meaning", "store", "writers"},
    "db": {"disk", "errors", "meaning", "pulse", "readers", "sealing", "store", "tx", "writers"},
    "policy": {"errors", "db", "fhir"},
    "jobs": {"errors", "db"},
}
"""What anyone may import, and what these may import themselves. db.py knows the shape of the store's hooks, as a name for types."""

TYPES_ONLY = {"db.py", "tx.py", "store/hooks.py"}
"""Here an import under TYPE_CHECKING does not count: db hands out what store is given, each only names the other's type."""

PURE = ("fhir", "search")
OUTSIDE = {
    "asyncpg",
    "asyncio",
    "socket",
    "subprocess",
    "http",
    "urllib.request",
    "httpx",
    "requests",
    "sqlite3",
    "psycopg",
    "random",
    "threading",
}
OPENERS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "connect", "urlopen", "exec", "eval"}
LOADERS = {"fhir/definitions.py", "search/parameters.py", "search/syllables.py"}
"""The files that load the tables of their room, which are part of the program."""


@dataclass(frozen=True, slots=True)
class Import:
    file: str
    line: int
    module: str

    @property
    def room(self) -> str:
        return self.module.split(".")[1] if "." in self.module else "__init__"


def files(room: str = "") -> list[Path]:
    return sorted(path for path in (SOURCE / room).rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path, *, types_too: bool) -> Iterator[Import]:
    """Every module this file imports, by its full name; `from yilian import db` is an import of yilian.db."""
    name = path.relative_to(SOURCE).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    rooms = {entry.name.removesuffix(".py") for entry in SOURCE.iterdir()}
    if not types_too:
        hidden = {
            id(inner)
            for node in nodes
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        nodes = [node for node in nodes if id(node) not in hidden]
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: write the full name, not a relative import"
            module = node.module or ""
            for alias in node.names:
                yield Import(name, node.lineno, f"yilian.{alias.name}" if module == "yilian" and alias.name in rooms else module)


def inner(path: Path) -> Iterator[Import]:
    name = path.relative_to(SOURCE).as_posix()
    for found in imports(path, types_too=name not in TYPES_ONLY):
        if (found.module == "yilian" or found.module.startswith("yilian.")) and found.room != room_of(path):
            yield found


def test_every_room_has_its_floor() -> None:
    known = FLOOR.keys() | EVERYWHERE.keys()
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert rooms <= known, f"give these a floor: {sorted(rooms - known)}"


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    for found in inner(path):
        where = f"{found.file}:{found.line} imports {found.module}"
        if room in EVERYWHERE:
            assert found.room in EVERYWHERE[room] | {"__init__"}, (
                f"{where}; {room} may import {sorted(EVERYWHERE[room]) or 'nothing of the house'}"
            )
        elif found.room not in EVERYWHERE:
            assert found.room in FLOOR, f"{where}, a room without a floor"
            assert FLOOR[found.room] <= FLOOR[room], f"{where}, which is above {room}"


def test_rooms_of_one_floor_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for path in files():
        room = room_of(path)
        if room in FLOOR:
            edges.setdefault(room, set()).update(found.room for found in inner(path) if found.room in FLOOR)

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for following in edges.get(todo.pop(), ()):
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        return seen

    assert [room for room in edges if room in reach(room)] == []


@pytest.mark.parametrize("path", [path for room in PURE for path in files(room)], ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_fhir_and_search_touch_nothing_outside(path: Path) -> None:
    for found in imports(path, types_too=True):
        assert found.module not in OUTSIDE, f"{found.file}:{found.line} imports {found.module}"
        assert found.module.split(".")[0] not in OUTSIDE, f"{found.file}:{found.line} imports {found.module}"
    name = path.relative_to(SOURCE).as_posix()
    if name in LOADERS:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            assert called not in OPENERS, f"{name}:{node.lineno} calls {called}(); only {', '.join(sorted(LOADERS))} load tables"
