"""Puts the built web pages into the wheel, as `yilian/web`; an editable install serves them from `web/dist` instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebPages(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        pages = Path(self.root, "web", "dist")
        if not (pages / "index.html").is_file():
            raise RuntimeError("The web pages are not built: run `make web` first.")
        build_data["force_include"][str(pages)] = "yilian/web"
