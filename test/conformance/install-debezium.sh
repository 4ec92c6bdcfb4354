#!/usr/bin/env bash
# Prints the folder with one folder for each Debezium connector named (mysql, postgres, ...), fetched with Maven into the folder given.
set -euo pipefail
folder=${1:?a folder to fetch into}
version=${2:?a version of Debezium}
shift 2
mkdir -p "$folder/debezium-$version"
plugins=$(cd "$folder/debezium-$version" && pwd)
fetch() {
  timeout 240 mvn --quiet --batch-mode --strict-checksums org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    "-Dartifact=io.debezium:$1:$version:tar.gz:plugin" "-DoutputDirectory=$2" >&2
}
for connector in "$@"; do
  name=debezium-connector-$connector
  if [ ! -d "$plugins/$name" ]; then
    part=$(mktemp -d "$folder/$name.XXXXXX")
    fetch "$name" "$part" || { echo 'fetching once more' >&2 && fetch "$name" "$part"; }
    tar -xzf "$part/$name-$version-plugin.tar.gz" -C "$part"
    mv -T "$part/$name" "$plugins/$name"
    rm -r "$part"
  fi
done
echo "$plugins"
