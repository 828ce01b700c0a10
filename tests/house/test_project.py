"""What the project promises to whoever checks it out: locks, make, documents."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKE_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def locked(name: str) -> dict[str, str]:
    return {
        canonicalize_name(match[1]): match[2]
        for match in re.finditer(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_there_is_a_lock_for_the_server_the_build_the_tests_and_node() -> None:
    assert LOCKS == ["requirements-build.lock", "requirements-dev.lock", "requirements-node.lock", "requirements.lock"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for trace in ("://", "--index", "--extra", "--find-links", "--trusted", "file:", "/", "@ "):
        assert trace not in text, trace


@pytest.mark.parametrize("name", LOCKS)
def test_everything_in_a_lock_has_hashes(name: str) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = [entry for entry in entries if entry.strip()]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-build.lock", PROJECT["dependency-groups"]["build"]),
        (
            "requirements-dev.lock",
            PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"] + PROJECT["dependency-groups"]["build"],
        ),
        ("requirements-node.lock", PROJECT["dependency-groups"]["node"]),
    ],
    ids=LOCKS and ["server", "build", "tests", "node"],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    versions = locked(lock)
    for text in wanted:
        requirement = Requirement(text)
        assert versions.get(canonicalize_name(requirement.name)), f"{lock} lacks {text}; run make lock"
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), f"{lock} is behind {text}; run make lock"


def test_the_locks_agree_on_versions() -> None:
    server = locked("requirements.lock")
    for name in LOCKS:
        for package, version in locked(name).items():
            assert server.get(package, version) == version, f"{package} in {name}"


def test_the_lock_of_the_web_pages_names_no_host() -> None:
    lock = ROOT / "web" / "package-lock.json"
    assert '"resolved"' not in lock.read_text(encoding="utf-8")


def test_the_lock_of_the_web_pages_has_the_packages_of_every_platform() -> None:
    """Otherwise `npm ci` refuses it, on all of them."""
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    there = {place.rpartition("node_modules/")[2] for place in packages}
    missing = {name for entry in packages.values() for name in entry.get("optionalDependencies", {})} - there
    assert missing == set(), "run tools/complete_web_lock.py"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_every_make_command_in_the_documents_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`|^    .*$", text, re.DOTALL | re.MULTILINE))
    said = set(re.findall(r"\bmake ([a-z-]+)", code))
    assert said, f"{name} tells of no make command"
    assert said <= MAKE_TARGETS, said - MAKE_TARGETS


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_every_yilian_command_in_the_documents_exists(name: str) -> None:
    from yilian.cli import parser

    text = (ROOT / name).read_text(encoding="utf-8")
    known = {name for action in parser()._actions if isinstance(action, argparse._SubParsersAction) for name in action.choices}
    said = set(re.findall(r"(?:\.venv/bin/|`)yilian ([a-z]+)", text))
    assert said <= known, said - known


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("note", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_fits_on_a_screen_and_says_what_was_turned_down(note: Path) -> None:
    text = note.read_text(encoding="utf-8")
    for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Turned down.**"):
        assert part in text, part
    assert len(text.splitlines()) <= 60
