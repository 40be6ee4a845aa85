#!/usr/bin/env bash
# benchmarks/throughput.sh [options of the harness]: builds the harness and prints the table of benchmarks/README.md: the floor, 10,000 keys in groups and
# in grains of their own, a million keys in groups, each with 2 and 12 million records, one after the other. Takes up to 15 minutes on a quiet machine with 2
# cores; needs KAFKA_HOME, PostgreSQL's server binaries, 6 GB of memory and 4 GB of disk. Try it with: benchmarks/throughput.sh --small 100000 --large 400000
set -euo pipefail
cd "$(dirname "$0")/.."
: "${KAFKA_HOME:?KAFKA_HOME must name the folder of Apache Kafka}"
dotnet build benchmarks/Throughput -c Release --nologo -v q
echo "Commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), load $(cut -d' ' -f1 /proc/loadavg), $(date -u +%F)"
echo
exec dotnet benchmarks/Throughput/bin/Release/net10.0/KafkaOracleOrleans.Throughput.dll "$@"
