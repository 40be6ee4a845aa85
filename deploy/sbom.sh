#!/usr/bin/env bash
# Writes what the silo and the command line are made of as CycloneDX 1.x JSON: artifacts/sbom/silo.json and kor.json. Needs a package feed.
#   deploy/sbom.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-artifacts/sbom}
dotnet tool restore >/dev/null
for part in Silo:silo Client:kor; do
  dotnet tool run dotnet-CycloneDX -- "${part%%:*}/${part%%:*}.csproj" --output "$folder" --filename "${part##*:}.json" --output-format Json \
    --disable-package-restore --set-name "KafkaOracleOrleans.${part%%:*}"
done
