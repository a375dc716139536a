#!/usr/bin/env bash
# A browser for the tests that look at pages. Without one those tests say that they did not run.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "test: installing Chromium with apt-get"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "test: no Chromium, so the browser tests cannot run: install chromium or google-chrome" >&2
