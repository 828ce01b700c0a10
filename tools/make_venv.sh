#!/usr/bin/env bash
# Makes the Python environment of the checkout, in the folder named by the first argument.
# Takes $PYTHON_FOR_VENV when it is set, else the first of the usual names that is new enough.
set -euo pipefail

folder=$1

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local name
  for name in ${PYTHON_FOR_VENV:-python3 python3.13 python3.12 python3.11 python}; do
    if command -v "$name" >/dev/null && new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  echo "Python 3.11 or newer is needed, and none was found. Debian: apt-get install python3 python3-venv. macOS: brew install python." >&2
  return 1
}

make_it() {
  rm -rf "$folder"
  "$python" -m venv "$folder" >/dev/null 2>&1 && "$folder/bin/python" -m pip --version >/dev/null 2>&1
}

python=$(find_python)
make_it && exit 0

# Debian keeps the part that puts pip into an environment in a package of its own.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing python3-venv ..." >&2
  version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "$version" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$version" >/dev/null; } || true
  make_it && exit 0
fi

rm -rf "$folder"
echo "$python cannot make an environment (python -m venv). Debian: apt-get install python3-venv, then run make again." >&2
exit 1
