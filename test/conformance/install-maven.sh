#!/usr/bin/env bash
# Prints the folder with the jars of a pom, fetched with Maven into the folder given under the name given, for the version given.
set -euo pipefail
folder=${1:?a folder to fetch into}
name=${2:?the name of a pom in java/}
version=${3:?a version}
pom=$(cd "$(dirname "$0")" && pwd)/java/$name.xml
mkdir -p "$folder"
# By the checksum of what was asked for, so that a changed pom is fetched anew; moved into place only when whole.
jars=$(cd "$folder" && pwd)/$name-$version-$(cksum <"$pom" | cut -d' ' -f1)
fetch() {
  timeout 240 mvn --quiet --batch-mode --strict-checksums --file "$pom" "-Dartifact.version=$version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$1" >&2
}
if [ ! -d "$jars" ]; then
  part=$(mktemp -d "$jars.XXXXXX")
  fetch "$part" || { echo 'fetching once more' >&2 && fetch "$part"; }
  mv -T "$part" "$jars"
fi
echo "$jars"
