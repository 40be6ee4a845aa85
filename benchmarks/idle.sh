#!/usr/bin/env bash
# Idle CPU: what a silo with one pipeline of eight partitions uses while nothing arrives, in percent of a core. Exits with 1 above the limit.
#
#   benchmarks/idle.sh [SECONDS [LIMIT_PERCENT]]      # default: 20 s, 1 %
#
# Needs Apache Kafka (KAFKA_HOME, see CONTRIBUTING.md), a build of the Silo, and Linux' /proc.
set -euo pipefail
seconds=${1:-20} limit=${2:-1}
root=$(cd "$(dirname "$0")/.." && pwd)
silo=${KOR_SILO:-$(ls -t "$root"/Silo/bin/*/net10.0/KafkaOracleOrleans.Silo.dll | head -1)}
folder=$(mktemp -d) broker= process=
cleanup() {
  [ -z "$process" ] || kill "$process" 2>/dev/null || true
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
port=$((20000 + RANDOM % 8000))
"$KAFKA_HOME/bin/broker.sh" "$folder/kafka" "$port" > "$folder/kafka.log" 2>&1 & broker=$!
for _ in $(seq 60); do
  "$KAFKA_HOME/bin/kafka-topics.sh" --bootstrap-server "127.0.0.1:$port" --create --if-not-exists --topic idle --partitions 8 > /dev/null 2>&1 && break
  sleep 1
done
mkdir "$folder/pipelines"
cat > "$folder/pipelines/idle.yaml" <<'YAML'
apiVersion: kor/v1
name: idle
source:
  kafka: { connection: main, topics: [idle], start: earliest }
  format: json
  fields: { id: { type: string, required: true } }
  eventTime: { maxOutOfOrder: 1s, idleAfter: 5s }
steps:
  - { id: w, type: window, window: { tumbling: 10s }, groupBy: [id], aggregates: { n: count() } }
sinks:
  - { id: out, from: w, connection: dwh, table: W, create: true }
YAML
export Kor__Url="http://127.0.0.1:$((port + 3))" Kor__Pipelines="$folder/pipelines" Kor__Kafka__main__BootstrapServers="127.0.0.1:$port"
export Kor__Connections__state__Provider=Sqlite Kor__Connections__state__Database="$folder/state.db" Kor__State__Create=true
export Kor__Connections__dwh__Provider=Sqlite Kor__Connections__dwh__Database="$folder/dwh.db" Kor__Cluster__SiloPort=0 Kor__Cluster__GatewayPort=0
dotnet "$silo" run > "$folder/silo.log" 2>&1 & process=$!
for _ in $(seq 120); do
  curl -fs "$Kor__Url/api/v1/pipelines/idle" 2>/dev/null | grep -q '"partition":"idle/7"' && break
  sleep 0.5
done
# Code is compiled in the background for a while after the start.
sleep 60
ticks() { awk '{print $14 + $15}' <(sed 's/(.*)/x/' "/proc/$process/stat"); }
before=$(ticks)
sleep "$seconds"
used=$(( $(ticks) - before ))
awk -v u="$used" -v hz="$(getconf CLK_TCK)" -v s="$seconds" -v l="$limit" \
  'BEGIN { p = 100 * u / hz / s; printf "idle: %.2f %% of a core over %d s (limit %s %%)\n", p, s, l; exit p > l }'
