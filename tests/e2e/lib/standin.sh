# The stand-in: an imitation of SWR and what belongs to it, as a program on loopback. One at a time, each check starts its own.
# shellcheck shell=bash

STANDIN_ENTER=()

build_standin() {
  local log=$E2E_WORK/standin-build.log
  (cd "$REPOSITORY_ROOT" && CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$REPOSITORY_ROOT/target} &&
    cargo build --quiet --locked --package standin && cp "$CARGO_TARGET_DIR/debug/standin" "$E2E_WORK/standin") >"$log" 2>&1 </dev/null ||
    die "the stand-in does not build: $(tail -n 40 "$log")"
}

# start_standin [--rule JSON] [--fault JSON] [ARGUMENTS OF THE PROGRAM]: sets STANDIN_URL, STANDIN_ENDPOINT and, where
# the arguments name another socket, STANDIN_SECOND_URL. The world is its demo with a key of these checks. STANDIN_ENTER is a command to run it with, such as one that enters a network namespace.
start_standin() {
  local log rules=() faults=() arguments=()
  stop_standin
  while [ $# -gt 0 ]; do
    case $1 in
      --rule) rules+=("$2"); shift 2 ;;
      --fault) faults+=("$2"); shift 2 ;;
      *) arguments+=("$1"); shift ;;
    esac
  done
  log=$(mktemp "$E2E_WORK/standin.XXXXXX")
  "${STANDIN_ENTER[@]}" "$E2E_WORK/standin" --port 0 "${arguments[@]}" >"$log" 2>&1 </dev/null &
  STANDIN_PID=$!
  for _ in $(seq 100); do
    STANDIN_URL=$(sed -n 1p "$log")
    [ -z "$STANDIN_URL" ] || break
    kill -0 "$STANDIN_PID" 2>/dev/null || break
    sleep 0.1
  done
  [[ $STANDIN_URL == http* ]] || die "the stand-in does not start: $(cat "$log")"
  STANDIN_SECOND_URL=$(sed -n 2p "$log")
  export STANDIN_URL STANDIN_SECOND_URL STANDIN_ENDPOINT="$STANDIN_URL/swr/{region}"
  standin GET world | jq --arg access "$E2E_ACCESS_KEY" --arg secret "$E2E_SECRET_KEY" '.keys += [{$access, $secret}]' | standin PUT world @-
  [ ${#rules[@]} -eq 0 ] || printf '%s\n' "${rules[@]}" | jq -s . | standin POST rules @-
  [ ${#faults[@]} -eq 0 ] || printf '%s\n' "${faults[@]}" | jq -s . | standin POST faults @-
}

stop_standin() {
  [ -z "${STANDIN_PID:-}" ] || stop_process "$STANDIN_PID"
  STANDIN_PID=
}

# standin METHOD PATH [BODY]: its control API.
standin() {
  "${STANDIN_ENTER[@]}" curl --silent --show-error --fail --noproxy '*' --max-time 30 \
    --request "$1" ${3:+--data-binary "$3"} "$STANDIN_URL/_standin/$2"
}

# The requests it has got, as a JSON array.
standin_requests() {
  standin GET "requests?path=${1:-*}"
}

# How many sync calls it has got and what it thought of their signatures: "4 signed".
sync_calls() {
  standin_requests '*/sync_images' |
    jq -r '"\(length) " + (map(.verdict | if type == "string" then . else keys[0] end | ascii_downcase) | unique | join(", "))'
}

# wait_for_sync_calls NUMBER: until it has got so many, at most 20 s.
wait_for_sync_calls() {
  for _ in $(seq 200); do
    [ "$(standin_requests '*/sync_images' | jq length)" -lt "$1" ] || return 0
    sleep 0.1
  done
  die "the stand-in got fewer than $1 sync calls: $(standin_requests)"
}
