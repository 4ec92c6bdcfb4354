#!/usr/bin/env bash
# Prints the folder that holds the usr/ of Debian packages, unpacked below the folder given under a name, without root.
set -euo pipefail
folder=${1:?a folder to unpack into}
name=${2:?a name for what is unpacked}
shift 2
mkdir -p "$folder"
root=$(cd "$folder" && pwd)/$name
if [ ! -d "$root" ]; then
  part=$(mktemp -d "$root.XXXXXX")
  cd "$part"
  apt-get download "$@" >&2 || { apt-get update >&2 && apt-get download "$@" >&2; }
  for package in *.deb; do dpkg -x "$package" .; done
  rm ./*.deb
  mv -T "$part" "$root"
fi
echo "$root"
