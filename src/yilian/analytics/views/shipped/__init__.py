"""The views that come with Yilian, by name. Each is a ViewDefinition in a file of its own beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from yilian.analytics.views import definition
from yilian.analytics.views.definition import View
from yilian.errors import NotFound

FOLDER = Path(__file__).parent


@cache
def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def resource(name: str) -> dict[str, Any]:
    """The ViewDefinition as JSON. NotFound when there is none of that name."""
    if name not in names():
        raise NotFound(f"There is no view {name[:60]!r}; there are {', '.join(names())}.", zh="没有该视图。")
    found: dict[str, Any] = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())
    return found


@cache
def view(name: str) -> View:
    return definition.read(resource(name))
