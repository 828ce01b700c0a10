"""Puts into web/package-lock.json the optional packages that npm left out, those of other platforms that a registry mirror did not have.

`npm ci` refuses a lock that names an optional package and has no entry for it, on every platform. An entry made here has no hash: on the
platform it is for, npm takes the exact version without one. Run after every `npm install` that changed the lock (`make lock` does).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "web" / "package-lock.json"


def missing(packages: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Place of each missing optional package → (who asks for it, exact version)."""
    there = {place.rpartition("node_modules/")[2] for place in packages}
    return {
        f"node_modules/{name}": (place, version)
        for place, entry in packages.items()
        for name, version in entry.get("optionalDependencies", {}).items()
        if name not in there
    }


def entry(name: str, version: str, asker: dict[str, Any]) -> dict[str, Any]:
    """What npm would have written, as far as the name tells: the last parts are system, processor and, for musl, the C library."""
    parts = [part for part in name.rpartition("/")[2].split("-") if part]
    systems = [part for part in parts if part in ("android", "darwin", "freebsd", "linux", "openharmony", "win32")]
    processors = [part for part in parts if part in ("arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64")]
    if not systems or not processors:
        raise SystemExit(f"{name} {version} is missing from {LOCK.name}, and its name does not tell its platform. Run npm install.")
    made: dict[str, Any] = {"version": version, "cpu": processors}
    if asker.get("dev"):
        made["dev"] = True
    if systems == ["linux"]:
        made["libc"] = ["musl" if "musl" in parts else "glibc"]
    return {**made, "license": asker.get("license", ""), "optional": True, "os": systems}


def main() -> None:
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    packages = lock["packages"]
    for place, (asker, version) in missing(packages).items():
        packages[place] = entry(place.removeprefix("node_modules/"), version, packages[asker])
        print(f"{place} {version}")
    lock["packages"] = dict(sorted(packages.items()))
    LOCK.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
