#!/usr/bin/env bash
# The action as a user's workflow has it, `uses: ./`, run by act in a container of the shipped image against the stand-in.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
trap stop_standin EXIT

# run_against_standin NAME ARGUMENTS...: the workflow; sets `code` to act's exit code.
run_against_standin() {
  local name=$1
  shift
  code=$(run_workflow "$name" --env ENDPOINT="$STANDIN_ENDPOINT" "$@")
}

# One line for each repository and target: where to, and the tags with their states.
told() {
  output "$1" results | jq -r '.[] | "\(.namespace)/\(.repository) -> \(.remoteRegionId)/\(.remoteNamespace): " + ([.tags[] | "\(.tag) \(.state)"] | join(", "))'
}

section "Workflow: several images to two targets"
start_standin
run_against_standin images
check_equal "the run succeeds" "0 success" "$code $(workflow_value images outcome)"
check_equal "status, failed-count, synced-count and exit-code" "success 0 6 0" \
  "$(output images status) $(output images failed-count) $(output images synced-count) $(output images exit-code)"
check_equal "failed-tags and failed-images are empty lists, not left out" "[] []" "$(output images failed-tags) $(output images failed-images)"
check_equal "synced-tags" '["1.0.0","1.1.0","v1"]' "$(output images synced-tags | jq -c .)"
check_equal "results tell each repository and target in order" \
"team/app -> cn-east-3/team: 1.0.0 accepted, 1.1.0 accepted
team/app -> ap-southeast-3/team: 1.0.0 accepted, 1.1.0 accepted
team/backend/api -> cn-east-3/team: v1 accepted
team/backend/api -> ap-southeast-3/team: v1 accepted" "$(told images)"
check_equal "a condition on an output holds in a later step" "nothing failed" "$(workflow_value images condition)"
check_equal "the service saw four sync calls, all well signed" "4 signed" "$(sync_calls)"
check_contains "the secret key is masked" "$E2E_WORK/images.log" "⚙  ***"
check "the job summary has a row for each repository and target" \
  test "$(grep -cE '^\|.*team/(app|backend/api).*(cn-east-3|ap-southeast-3)/team' "$E2E_WORK/images.log")" = 4
check_lacks "a green run makes no annotation" "$E2E_WORK/images.log" "::error"
check_no_secrets "no secret shows in the log" "$E2E_WORK/images.log"

section "Workflow: a failing tag"
start_standin --rule '{"tag": "1.1.0", "remote_region": "ap-southeast-3", "sync": {"named_in_answer": true, "ending": {"Status": "failed"}}}'
run_against_standin failing-tag
check_equal "the step fails the run" "1 failure" "$code $(workflow_value failing-tag outcome)"
check_contains "the container ended with 1" "$E2E_WORK/failing-tag.log" 'exit with `FAILURE`: 1'
check_equal "status, failed-count, synced-count and exit-code" "partial 1 3 1" \
  "$(output failing-tag status) $(output failing-tag failed-count) $(output failing-tag synced-count) $(output failing-tag exit-code)"
check_equal "failed-tags and failed-images name it" \
  '["1.1.0"] ["swr.cn-north-4.myhuaweicloud.com/team/app:1.1.0"]' \
  "$(output failing-tag failed-tags) $(output failing-tag failed-images)"
check_equal "synced-tags leave it out" '["1.0.0"]' "$(output failing-tag synced-tags)"
check_equal "results tell where it failed" \
"team/app -> cn-east-3/team: 1.0.0 accepted, 1.1.0 accepted
team/app -> ap-southeast-3/team: 1.0.0 accepted, 1.1.0 failed" "$(told failing-tag)"
check_equal "only what is meant for a failure runs after it" "failure" "$(workflow_value failing-tag after)"
check_contains "one annotation is titled by the repository and target" "$E2E_WORK/failing-tag.log" "::error title=team/app → ap-southeast-3/team::"
check "the job summary has a row for it" grep -qE '^\|.*team/app.*ap-southeast-3/team.*1\.1\.0' "$E2E_WORK/failing-tag.log"
check_no_secrets "no secret shows in the log" "$E2E_WORK/failing-tag.log"

section "Workflow: one repository by its parts"
start_standin
run_against_standin by-parts
check_equal "the run succeeds" "0 success" "$code $(workflow_value by-parts outcome)"
check_equal "results" "team/backend/api -> cn-east-3/mirror: v1 accepted, v2 accepted" "$(told by-parts)"
check_equal "the service was asked in its own words" \
  '/swr/cn-north-4/v2/manage/namespaces/team/repos/backend$api/sync_images {"imageTag":["v1","v2"],"override":true,"remoteNamespace":"mirror","remoteRegionId":"cn-east-3"}' \
  "$(standin_requests "*/sync_images" | jq -r '.[] | "\(.path) \(.body)"')"
check_no_secrets "no secret shows in the log" "$E2E_WORK/by-parts.log"

section "Workflow: refused inputs"
start_standin
run_against_standin refused-inputs
check_equal "the step fails the run" "1 failure" "$code $(workflow_value refused-inputs outcome)"
check_contains "the container ended with 2" "$E2E_WORK/refused-inputs.log" 'exit with `FAILURE`: 2'
check_equal "the outputs are written all the same" "failure 0 [] [] [] 2" \
  "$(output refused-inputs status) $(output refused-inputs failed-count) $(output refused-inputs failed-tags) $(output refused-inputs synced-tags) $(output refused-inputs results) $(output refused-inputs exit-code)"
for input in targets concurrency; do
  check_contains "the mistake in $input is told" "$E2E_WORK/refused-inputs.log" "$input"
done
check_equal "nothing was sent" 0 "$(standin_requests | jq length)"
check_no_secrets "no secret shows in the log" "$E2E_WORK/refused-inputs.log"

section "Workflow: no stored keys"
start_standin
world=$(standin GET world)
run_against_standin keyless --env STS_ENDPOINT="$STANDIN_URL/sts/{region}" \
  --env PROVIDER="$(jq -r '.providers[0].urn' <<<"$world")" --env AGENCY="$(jq -r '.agencies[0].urn' <<<"$world")" \
  --env ACTIONS_ID_TOKEN_REQUEST_URL="$STANDIN_URL/oidc/token?api-version=2.0" \
  --env ACTIONS_ID_TOKEN_REQUEST_TOKEN="$(jq -r '.issuer.request_token' <<<"$world")"
check_equal "the run succeeds" "0 success" "$code $(workflow_value keyless outcome)"
check_equal "the service saw two sync calls, all well signed" "2 signed" "$(sync_calls)"
check_equal "each with the security token of the temporary keys" 2 \
  "$(standin_requests '*/sync_images' | jq '[.[] | select(.headers[] | .[0] | ascii_downcase == "x-security-token")] | length')"
mapfile -t received < <(jq -r '.issuer.request_token' <<<"$world"
  standin GET world | jq -r '.keys[] | .secret, .security_token // empty'
  standin_requests '*assume-with-oidc' | jq -r '.[].body | fromjson | .id_token')
check_equal "the run received an id token and temporary keys" 6 "${#received[@]}"
E2E_SECRETS+=("${received[@]}")
check_no_secrets "none of them shows in the log" "$E2E_WORK/keyless.log"

section "Workflow: waiting for the tags to land"
start_standin
run_against_standin wait
check_equal "the run succeeds" "0 success" "$code $(workflow_value wait outcome)"
check_equal "results say that every tag has landed" \
"team/app -> cn-east-3/team: 1.0.0 landed, 1.1.0 landed
team/app -> ap-southeast-3/team: 1.0.0 landed, 1.1.0 landed" "$(told wait)"
check_no_secrets "no secret shows in the log" "$E2E_WORK/wait.log"

section "Workflow: a tag that is accepted and never lands"
start_standin --rule '{"tag": "1.1.0", "remote_region": "ap-southeast-3", "sync": {"appears": "Never", "stages": [], "ending": "Never"}}'
run_against_standin wait
check_equal "the step fails the run" "1 failure" "$code $(workflow_value wait outcome)"
check_contains "the container ended with 7" "$E2E_WORK/wait.log" 'exit with `FAILURE`: 7'
check_equal "status, failed-tags and exit-code" 'partial ["1.1.0"] 7' "$(output wait status) $(output wait failed-tags) $(output wait exit-code)"
check_equal "results say which tag is missing where" \
"team/app -> cn-east-3/team: 1.0.0 landed, 1.1.0 landed
team/app -> ap-southeast-3/team: 1.0.0 landed, 1.1.0 pending" "$(told wait)"
check_no_secrets "no secret shows in the log" "$E2E_WORK/wait.log"
