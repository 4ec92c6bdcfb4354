#!/usr/bin/env bash
# Prints the folder with one folder for each Debezium connector named (mysql, postgres, ...), fetched with Maven into the folder given.
set -euo pipefail
folder=${1:?a folder to fetch into}
version=${2:?a version of Debezium}
shift 2
mkdir -p "$folder/debezium-$version"
plugins=$(cd "$folder/debezium-$version" && pwd)
for connector in "$@"; do
  name=debezium-connector-$connector
  if [ ! -d "$plugins/$name" ]; then
    part=$(mktemp -d "$folder/$name.XXXXXX")
    timeout 300 mvn --quiet --batch-mode --strict-checksums org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      "-Dartifact=io.debezium:$name:$version:tar.gz:plugin" "-DoutputDirectory=$part" >&2
    tar -xzf "$part/$name-$version-plugin.tar.gz" -C "$part"
    mv -T "$part/$name" "$plugins/$name"
    rm -r "$part"
  fi
done
echo "$plugins"
