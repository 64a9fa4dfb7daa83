#!/usr/bin/env bash
# The GitLab component as it is handed out, on the shell image, with gitlab-ci-local as the runner: a failing tag fails the job, the
# job after it has the outputs as variables, and the JUnit file is kept.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
trap stop_standin EXIT

project=$(mktemp -d "$E2E_WORK/gitlab.XXXXXX")
log=$E2E_WORK/gitlab.log
cp -r "$E2E_CHECKOUT/examples/ci/gitlab/templates" "$E2E_DIR/gitlab/.gitlab-ci.yml" "$project/"
git -C "$project" init -q -b main
git -C "$project" remote add origin "$SOURCE_URL.git"

# One variable as the job after the sync saw it.
seen() {
  sed -n "s/^after-the-sync *> $1=//p" "$log"
}

# How many test cases a JUnit file has, and how many of them failed.
count_cases() {
  python3 -c 'import sys, xml.etree.ElementTree as tree
cases = list(tree.parse(sys.argv[1]).iter("testcase"))
print(len(cases), sum(case.find("failure") is not None for case in cases))' "$1"
}

section "GitLab: the component on the shell image"
start_standin --rule '{"tag": "1.1.0", "remote_region": "ap-southeast-3", "sync": {"named_in_answer": true, "ending": {"Status": "failed"}}}'
code=0
# The runner says GITLAB_CI=false of itself; a real one says true.
(cd "$project" && HOME=$E2E_WORK/home gitlab-ci-local --network host --pull-policy if-not-present --no-color \
  --variable GITLAB_CI=true --variable SHELL_IMAGE="$(dockerfile_argument SHELL_IMAGE)" \
  --variable HUAWEICLOUD_SDK_AK="$E2E_ACCESS_KEY" --variable HUAWEICLOUD_SDK_SK="$E2E_SECRET_KEY" \
  --variable INPUT_ENDPOINT="$STANDIN_ENDPOINT") >"$log" 2>&1 </dev/null || code=$?
check_equal "the pipeline fails" 1 "$code"
check "the job ended with 1" grep -qE '^swr-image-sync +finished in .* FAIL 1' "$log"
check_equal "the next job has the outputs" 'partial ["1.1.0"] 1 1' \
  "$(seen status) $(seen failed-tags) $(seen failed-count) $(seen exit-code)"
check_equal "and the images to try again" '["swr.cn-north-4.myhuaweicloud.com/team/app:1.1.0"]' "$(seen failed-images)"
check_contains "the log has GitLab's sections" "$log" "section_start:"
junit=$(find "$project/.gitlab-ci-local/artifacts" -name '*.xml')
check_equal "the JUnit report has a case for each tag and target, one of them failed" "4 1" \
  "$(count_cases "$junit" 2>&1)"
check_no_secrets "no secret shows in the log" "$log"
