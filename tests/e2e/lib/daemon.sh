# A Docker engine of this run's own: its data, socket and process file lie in the run's work folder, so that it meets neither the
# machine's engine nor another run's. It has no bridge; builds and containers use the network of the machine.
# shellcheck shell=bash

start_daemon() {
  local folder=$E2E_WORK/docker
  mkdir "$folder"
  export DOCKER_HOST=unix://$folder/socket DOCKER_BUILDKIT=1
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  export DOCKER_CONFIG=$folder/client
  dockerd --data-root "$folder/data" --exec-root "$folder/exec" --host "$DOCKER_HOST" --pidfile "$folder/pid" \
    --bridge=none --iptables=false --log-level warn >"$folder/log" 2>&1 </dev/null &
  E2E_DAEMON=$!
  for _ in $(seq 120); do
    docker version >/dev/null 2>&1 && return
    kill -0 "$E2E_DAEMON" 2>/dev/null || break
    sleep 0.5
  done
  die "dockerd does not answer: $(tail -n 20 "$folder/log")"
}

stop_daemon() {
  [ -n "${E2E_DAEMON:-}" ] || return 0
  local containers
  containers=$(docker ps -aq 2>/dev/null) || true
  # shellcheck disable=SC2086 # one word for each container
  [ -z "$containers" ] || docker rm -f $containers >/dev/null 2>&1 || true
  stop_process "$E2E_DAEMON"
  # The network namespace that containers on the machine's own network were given stays mounted.
  umount "$E2E_WORK/docker/exec/netns/default" 2>/dev/null || true
  E2E_DAEMON=
}

# stop_process PID: asks, waits up to 15 s, then insists.
stop_process() {
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 150); do
    kill -0 "$1" 2>/dev/null || { wait "$1" 2>/dev/null || true; return 0; }
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}
