#!/usr/bin/env bash
# Writes orders like those of pipelines/orders.yaml: a hundred a second, every fiftieth twice, every hundredth without a price.
set -euo pipefail
order() { # order NUMBER AMOUNT
  local customer
  customer=$(printf 'c-%04d' $((RANDOM % 500)))
  printf '%s|{"order_id":"o-%s-%d","customer_id":"%s","amount":%s,"created_at":"%s"}\n' \
    "$customer" "$run" "$1" "$customer" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
run=$(date +%s)
number=0
while :; do
  for _ in $(seq 100); do
    number=$((number + 1))
    if [ $((number % 100)) = 0 ]; then
      order "$number" null
    else
      line=$(order "$number" "$((RANDOM % 500 + 1)).$((RANDOM % 90 + 10))")
      echo "$line"
      if [ $((number % 50)) = 0 ]; then echo "$line"; fi
    fi
  done
  sleep 1
done | /opt/kafka/bin/kafka-console-producer.sh --bootstrap-server kafka:9092 --topic orders \
  --reader-property parse.key=true --reader-property key.separator='|'
