#!/usr/bin/env bash
# Prints the folder with `prometheus` and `promtool`: that of the system, or Debian's package unpacked into the folder given, without root.
set -euo pipefail
folder=${1:?a folder to unpack into}
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  dirname "$(command -v prometheus)"
  exit
fi
mkdir -p "$folder"
cd "$folder"
if [ ! -x usr/bin/prometheus ]; then
  apt-get download prometheus >&2 || { apt-get update >&2 && apt-get download prometheus >&2; }
  dpkg -x prometheus_*.deb .
fi
echo "$PWD/usr/bin"
