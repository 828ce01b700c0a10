"""Makes requirements*.lock from pyproject.toml: every version with its hashes, for every platform, naming no host.

    python tools/locks.py              keep the versions that are locked, add and remove what pyproject.toml asks for
    python tools/locks.py --upgrade    take the newest versions
    python tools/locks.py --check      change nothing; end with 1 when a lock is behind pyproject.toml

requirements.lock is what the server needs, -build what the editable install needs on top, -dev tests and tools, -node a Node.js for
machines without a new enough one. All share the versions of the first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS: dict[str, list[str]] = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-build.lock": ["--group", "pyproject.toml:build"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "pyproject.toml:build", "--group", "pyproject.toml:dev"],
    "requirements-node.lock": ["--group", "pyproject.toml:node"],
}
OPTIONS = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--universal", "--python-version", "3.11", "--quiet"]
SETTLED_FIRST = "requirements.lock"


def compile_into(folder: Path, upgrade: bool) -> None:
    """Write all locks into `folder`, starting from the ones that lie there."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    for name, sources in LOCKS.items():
        command = [uv, "pip", "compile", *sources, *OPTIONS, "--output-file", str(folder / name)]
        if name != SETTLED_FIRST:
            command += ["--constraints", str(folder / SETTLED_FIRST)]
        if upgrade:
            command.append("--upgrade")
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"], ["--upgrade"]):
        print(__doc__)
        return 2
    if arguments != ["--check"]:
        compile_into(ROOT, upgrade=arguments == ["--upgrade"])
        return 0
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        for lock in LOCKS:
            if (ROOT / lock).exists():
                shutil.copy(ROOT / lock, fresh)
        compile_into(fresh, upgrade=False)
        behind = [lock for lock in LOCKS if not (ROOT / lock).exists() or (ROOT / lock).read_text() != (fresh / lock).read_text()]
    if behind:
        print(f"{', '.join(behind)}: behind pyproject.toml. Run: make lock", file=sys.stderr)
    return 1 if behind else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
