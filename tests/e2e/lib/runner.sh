# Workflows run by act, GitLab jobs by gitlab-ci-local, both in containers and on a checkout of the repository.
# shellcheck shell=bash

# run_act LOG FOLDER ARGUMENTS...: runs workflows of a checkout and prints act's exit code. act's own hiding of secrets is off, so
# that whatever the program lets out can be seen.
run_act() {
  local log=$1 folder=$2 code=0
  shift 2
  (cd "$folder" && HOME=$E2E_WORK/home XDG_CACHE_HOME=$E2E_WORK/home/cache act push --platform "ubuntu-latest=$JOB_IMAGE" \
    --network host --container-options '--network host' --pull=false --rebuild=false --no-cache-server --insecure-secrets \
    --secret ACCESS_KEY="$E2E_ACCESS_KEY" --secret SECRET_KEY="$E2E_SECRET_KEY" "$@") >"$log" 2>&1 </dev/null || code=$?
  echo "$code"
}

# run_workflow NAME ARGUMENTS...: tests/e2e/workflows/NAME.yml on the checkout. Leaves its log at $E2E_WORK/NAME.log.
run_workflow() {
  local name=$1
  shift
  run_act "$E2E_WORK/$name.log" "$E2E_CHECKOUT" --workflows "tests/e2e/workflows/$name.yml" "$@"
}

# workflow_value NAME KEY: what a step of the workflow printed as KEY=VALUE.
workflow_value() {
  sed -n "s/^\[[^]]*\] *| $2=//p" "$E2E_WORK/$1.log" | tail -n 1
}

# output NAME KEY: one output of the step under test, from the workflow's line outputs=JSON.
output() {
  workflow_value "$1" outputs | jq -r --arg key "$2" 'if has($key) then .[$key] else "(not set)" end'
}
