"""docs/reference/keys.md says what `personal.toml` and the command line say."""

from __future__ import annotations

from pathlib import Path

from yilian.sealing import keyring, personal
from yilian.sealing.suites import SUITES

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "keys.md").read_text(encoding="utf-8")


def test_every_type_and_system_that_is_sealed_is_documented() -> None:
    for kind, rule in personal.TYPES.items():
        numbers = "all" if rule["identifier"] == "all" else "of the systems below"
        assert f"| {kind} | {numbers} | {', '.join(rule['telecom'])} |" in TEXT
    for system in personal.LISTED:
        assert f"`{system}`" in TEXT


def test_every_suite_purpose_and_command_is_documented() -> None:
    for code, suite in SUITES.items():
        values, index = suite.words.split(", ")
        assert f"| `{code}` | {values} | {index} |" in TEXT
    for purpose in keyring.PURPOSES:
        assert f"| `{purpose}` |" in TEXT
    for command in ("new", "list", "status", "rotate", "seal", "rewrap", "fingerprint"):
        assert f"`yilian key {command}" in TEXT
