#!/usr/bin/env bash
# Keys from the metadata service of an ECS host, at its real address: the stand-in and the shipped image share a network namespace
# in which 169.254.169.254 is an address of the loopback device, and nothing else can be reached.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
trap 'stop_standin; docker rm -f ecs-host >/dev/null' EXIT

# run_on_host LOG ARGUMENTS...: the image in that namespace; prints its exit code.
run_on_host() {
  local log=$1 code=0
  shift
  docker run --rm --network container:ecs-host --env INPUT_IMAGES=swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0 \
    --env INPUT_TARGETS=cn-east-3 --env INPUT_ENDPOINT="$STANDIN_ENDPOINT" "$@" "$ACTION_IMAGE" >"$log" 2>&1 </dev/null || code=$?
  echo "$code"
}

section "ECS agency at 169.254.169.254"
docker run -d --name ecs-host --network none "$SHELL_STAGE_IMAGE" tail -f /dev/null >/dev/null
namespace=/proc/$(docker inspect --format '{{.State.Pid}}' ecs-host)/ns/net
nsenter --net="$namespace" ip address add 169.254.169.254/32 dev lo
# shellcheck disable=SC2034 # read by start_standin
STANDIN_ENTER=(nsenter --net="$namespace")
start_standin --listen 169.254.169.254:80

code=$(run_on_host "$E2E_WORK/ecs.log" --env INPUT_ECS-AGENCY=true)
check_equal "the run succeeds with the host's keys" 0 "$code"
check_contains "the log says where they came from" "$E2E_WORK/ecs.log" "ECS"
check_equal "one sync call, well signed" "1 signed" "$(sync_calls)"
check_no_secrets "no secret shows in the log" "$E2E_WORK/ecs.log"

before=$(standin_requests | jq length)
code=$(run_on_host "$E2E_WORK/ecs-unasked.log")
check_equal "unasked, there are no credentials" 3 "$code"
check_equal "and the service is not asked for any" "$before" "$(standin_requests | jq length)"
