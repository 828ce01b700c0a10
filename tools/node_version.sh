#!/usr/bin/env bash
# Ends with 0 when node and npm are there and node is new enough for the web build (20.19, or 22.12 and later).
set -euo pipefail

command -v node >/dev/null && command -v npm >/dev/null || exit 1
node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1);
'
