#!/usr/bin/env bash
# The program as the first process of a container, which no default signal handler protects: it is told to stop in the middle of a
# run and has to leave outputs and reports behind, soon.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
trap stop_standin EXIT

# start_sync NAME: a container with a GitHub job's variables and every kind of report, under way: its first call is answered, its
# second is not. Sets `folder`, where the files appear.
start_sync() {
  folder=$(mktemp -d "$E2E_WORK/signals.XXXXXX")
  [ -z "${output_is_stuck:-}" ] || make_full_pipe "$folder/output"
  docker run -d --name "$1" --network host --volume "$folder:/files" \
    --env GITHUB_ACTIONS=true --env GITHUB_OUTPUT=/files/output --env GITHUB_STEP_SUMMARY=/files/summary.md \
    --env INPUT_IMAGES=swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0 --env INPUT_TARGETS=cn-east-3,ap-southeast-3 \
    --env INPUT_ACCESS-KEY="$E2E_ACCESS_KEY" --env INPUT_SECRET-KEY="$E2E_SECRET_KEY" --env INPUT_ENDPOINT="$STANDIN_ENDPOINT" \
    --env INPUT_REPORT-JSON=/files/report.json --env INPUT_REPORT-JUNIT=/files/report.xml \
    --env INPUT_REPORT-DOTENV=/files/report.env --env INPUT_REPORT-MARKDOWN=/files/report.md \
    "$ACTION_IMAGE" >/dev/null
  wait_for_sync_calls 2
}

# A pipe that takes no further byte, and that nobody empties as long as this process lives: what is written to it waits.
make_full_pipe() {
  mkfifo "$1"
  exec 7<>"$1"
  dd if=/dev/zero of="$1" bs=4096 oflag=nonblock 2>/dev/null || true
}

# send SIGNAL NAME: sets `sent`, when it had been delivered, in milliseconds.
send() {
  docker kill --signal "$1" "$2" >/dev/null
  sent=$(date +%s%3N)
}

# left NAME: waits for the container; sets `code` and `took`, milliseconds from the last signal to its end.
left() {
  code=$(timeout 30 docker wait "$1" || echo "still running")
  took=$(($(date -d "$(docker inspect --format '{{.State.FinishedAt}}' "$1")" +%s%3N) - sent))
  docker logs "$1" >"$E2E_WORK/$1.log" 2>&1
  docker rm -f "$1" >/dev/null
}

# One output from the file that GitHub reads.
written() {
  sed -n "s/^$1=//p; /^$1<</{n;p}" "$folder/output"
}

for signal in TERM:143 INT:130; do
  name=${signal%:*}
  section "SIG$name in the middle of a run"
  start_standin --fault '{"on": {"path": "*/sync_images"}, "when": {"After": 1}, "delay": "60s"}'
  start_sync "stopped-by-$name"
  send "$name" "stopped-by-$name"
  left "stopped-by-$name"
  check_equal "exit code" "${signal#*:}" "$code"
  check_at_most "left within 2,000 ms" 2000 "$took"
  check_equal "outputs say what is known" "partial 1 ${signal#*:}" "$(written status) $(written synced-count) $(written exit-code)"
  check_equal "results tell the answered call from the unanswered one" "cn-east-3 accepted, ap-southeast-3 unknown" \
    "$(written results | jq -r '[.[] | "\(.remoteRegionId) \(.tags[0].state)"] | join(", ")')"
  for file in summary.md report.json report.xml report.env report.md; do
    check "$file names the tag or its target" grep -qE 'ap-southeast-3|SWR_SYNC_STATUS' "$folder/$file"
  done
  check_no_secrets "no secret shows" "$E2E_WORK/stopped-by-$name.log" "$folder"/*
done

# Only the time that a first signal allows, or a second signal, can end a program that waits for its outputs.
for signals in 1 2; do
  section "$signals of SIGTERM while the outputs cannot be written"
  start_standin --fault '{"on": {"path": "*/sync_images"}, "when": {"After": 1}, "delay": "60s"}'
  output_is_stuck=1 start_sync "stuck-$signals"
  send TERM "stuck-$signals"
  first=$sent
  sleep 0.3
  check_equal "it waits for the outputs" true "$(docker inspect --format '{{.State.Running}}' "stuck-$signals")"
  if [ "$signals" = 1 ]; then
    left "stuck-$signals"
    check_at_most "left within 2,000 ms all the same" 2000 "$took"
  else
    send TERM "stuck-$signals"
    left "stuck-$signals"
    check_at_most "left within 500 ms of the second" 500 "$took"
    check_at_most "and long before the first alone would have ended it" 1500 $((sent + took - first))
  fi
  check_equal "exit code" 143 "$code"
done
