#!/usr/bin/env bash
# Prints the folder that holds MariaDB's usr/, Debian's packages unpacked into the folder given, without root.
set -euo pipefail
folder=${1:?a folder to unpack into}
packages=(mariadb-server-core mariadb-client-core mariadb-common libmariadb3 libaio1 liburing2)
mkdir -p "$folder"
root=$(cd "$folder" && pwd)/mariadb
if [ ! -d "$root" ]; then
  part=$(mktemp -d "$root.XXXXXX")
  cd "$part"
  apt-get download "${packages[@]}" >&2 || { apt-get update >&2 && apt-get download "${packages[@]}" >&2; }
  for package in *.deb; do dpkg -x "$package" .; done
  rm ./*.deb
  mv -T "$part" "$root"
fi
echo "$root"
