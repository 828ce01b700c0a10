#!/usr/bin/env bash
# The browser tests need a Chromium and a Chinese typeface. Root on Debian gets them; others are told.
set -euo pipefail

missing=()
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null && [ ! -d "/Applications/Google Chrome.app" ]; then
  missing+=(chromium)
fi
if [ "$(uname)" = Linux ] && ! { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn family)" ]; }; then
  missing+=(fontconfig fonts-noto-cjk)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..." >&2
  export DEBIAN_FRONTEND=noninteractive
  install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
  install 2>/dev/null || { apt-get update -qq && install; } || { sleep 10 && apt-get update -qq && install; }
  exit 0
fi

echo "The browser tests need: ${missing[*]}. Debian: apt-get install ${missing[*]}. macOS: install Google Chrome." >&2
exit 1
