#!/usr/bin/env bash
# What the image costs a pipeline: a container from start to exit. With BENCH_RESULTS, the path of a file, the
# figures go there, and the image is built once more from nothing for the time that takes.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

milliseconds() {
  echo $(($(date +%s%N) / 1000000))
}

# median_start: of ten containers, from `docker run` to its end.
median_start() {
  local start
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    start=$(milliseconds)
    docker run --rm --network none "$ACTION_IMAGE" --version >/dev/null
    echo $(($(milliseconds) - start))
  done | sort -n | sed -n 5p
}

section "What the image costs"
size=$(docker image inspect --format '{{.Size}}' "$ACTION_IMAGE")
start=$(median_start)
# Seconds, since machines differ; the program's own part is milliseconds.
check_at_most "a container starts and ends within 5,000 ms" 5000 "$start"

if [ -n "${BENCH_RESULTS:-}" ]; then
  began=$(milliseconds)
  build_image swr-image-sync:e2e-clean --no-cache
  build=$(($(milliseconds) - began))
  # As registries keep it.
  pulled=$(docker save "$ACTION_IMAGE" | gzip | wc -c)
  jq -n '{size: $size, pulled: $pulled, start: $start, build: $build}' --argjson size "$size" --argjson pulled "$pulled" \
    --argjson start "$start" --argjson build "$build" >"$BENCH_RESULTS"
fi
