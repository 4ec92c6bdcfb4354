#!/usr/bin/env bash
# Prints the folder with the jars of an Apache Kafka of the version given, its Connect worker and MirrorMaker, fetched with Maven into the folder given.
set -euo pipefail
folder=${1:?a folder to fetch into}
version=${2:?a version of Kafka}
pom=$(cd "$(dirname "$0")" && pwd)/java/pom.xml
mkdir -p "$folder"
# By the checksum of what was asked for, so that a changed pom is fetched anew; moved into place only when whole.
jars=$(cd "$folder" && pwd)/kafka-$version-$(cksum <"$pom" | cut -d' ' -f1)
if [ ! -d "$jars" ]; then
  part=$(mktemp -d "$jars.XXXXXX")
  timeout 300 mvn --quiet --batch-mode --strict-checksums --file "$pom" "-Dkafka.version=$version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$part" >&2
  mv -T "$part" "$jars"
fi
echo "$jars"
