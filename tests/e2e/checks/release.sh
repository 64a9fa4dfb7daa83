#!/usr/bin/env bash
# A release as .github/workflows/release.yml makes it, with the same steps of tools/release, from a repository, to a registry and to a
# folder of downloads that all lie on this machine; and then its use, by the tags that a user writes.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

folder=$(mktemp -d "$E2E_WORK/release.XXXXXX")
remote=$folder/remote.git
source=$folder/source
started=()

finish() {
  local process
  stop_standin
  for process in "${started[@]}"; do stop_process "$process"; done
}
trap finish EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for URL: until it answers.
wait_for() {
  for _ in $(seq 100); do
    if curl --silent --fail --noproxy '*' --output /dev/null "$1"; then return; fi
    sleep 0.1
  done
  die "nothing answers at $1"
}

start_registry() {
  local port
  port=$(free_port)
  registry=127.0.0.1:$port
  cat >"$folder/registry.yml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $folder/registry}}
http: {addr: $registry}
END
  docker-registry serve "$folder/registry.yml" >"$folder/registry.log" 2>&1 </dev/null &
  started+=($!)
  wait_for "http://$registry/v2/"
}

start_downloads() {
  local port
  port=$(free_port)
  downloads=http://127.0.0.1:$port
  mkdir "$folder/downloads"
  python3 -m http.server --bind 127.0.0.1 --directory "$folder/downloads" "$port" >"$folder/downloads.log" 2>&1 </dev/null &
  started+=($!)
  wait_for "$downloads/"
}

# The toolchain with what the Dockerfile's own build stage has compiled, so that each release compiles no more than the program. It
# stays good as long as the commits have the time of the checkout, which the build is told.
make_warm_rust_image() {
  build_image e2e/rust:warm --target build
  export RUST_IMAGE=e2e/rust:warm DOCKER_BUILD_OPTIONS="--network host --build-arg HTTPS_PROXY --build-arg NO_PROXY"
}

git_in_source() {
  local time
  time="$(git_as_e2e log -1 --format=%ct) +0000"
  GIT_AUTHOR_DATE=$time GIT_COMMITTER_DATE=$time git -C "$source" -c user.name=e2e -c user.email=e2e@example.com -c commit.gpgsign=false "$@"
}

# prepare_version VERSION: what a maintainer commits on main before a release.
prepare_version() {
  git_in_source checkout -q main
  sed -i "/^\[package\]/,/^\[/s/^version = .*/version = \"$1\"/" "$source/Cargo.toml"
  sed -i "/^name = \"swr-image-sync\"/{n;s/.*/version = \"$1\"/}" "$source/Cargo.lock"
  printf '# Changelog\n\n## [Unreleased]\n\n## [%s] - 2026-11-24\n### Fixed\n- What %s is about.\n' "$1" "$1" >"$source/CHANGELOG.md"
  git_in_source commit -q -a -m "project: Release $1"
  git_in_source push -q origin main
}

# step LOG ARGUMENTS...: one step of tools/release in the checkout.
step() {
  local log=$1
  shift
  (cd "$source" && python3 tools/release "$@") 2>>"$log"
}

# release VERSION: the jobs of the workflow in their order, each only after the one before. Sets `digests`.
release() {
  local version=$1 out=$folder/$1 log=$folder/$1.log
  git_in_source checkout -q main
  mkdir "$out"
  digests=()
  step "$log" check "$version" --registry "$registry" --repository Owner/swr-image-sync >"$out/checked" &&
    step "$log" build "$out/archives" --source "$SOURCE_URL" --standin "$E2E_WORK/standin" &&
    make_program "$out/programs" "$log" &&
    step "$log" push "$out/archives" --image "$image" --platforms "$platform" >"$out/pushed" &&
    read_digests "$out/pushed" &&
    forget_images &&
    step "$log" pull-back "$out/receipts" --image "$image" "${digests[@]}" --standin "$E2E_WORK/standin" &&
    step "$log" notes --image "$image" "${digests[@]}" --base "$RUST_IMAGE" --base busybox >"$out/notes.md" &&
    step "$log" tag "$out/receipts" "$out/programs" --image "$image" "${digests[@]}" --programs-url "$downloads" &&
    cp -r "$out/programs" "$folder/downloads/v$version" &&
    git_in_source checkout -q main &&
    step "$log" move-tags --image "$image" "${digests[@]}" >"$out/moved"
}

check_released() {
  if release "$1"; then passed "every step succeeds"; else die "release $1 failed: $(tail -n 60 "$folder/$1.log")"; fi
}

# The program that was just built into the image serves as the one for download: compiling it again takes a minute, and the step
# `program` is one cargo build.
make_program() {
  local container
  mkdir "$1"
  container=$(docker create "swr-image-sync-release:action")
  docker cp "$container:/swr-image-sync" "$1/swr-image-sync-linux-$(uname -m)" 2>>"$2"
  docker rm "$container" >/dev/null
}

read_digests() {
  digests=(--action "$(sed -n 's/^action=//p' "$1")" --shell "$(sed -n 's/^shell=//p' "$1")")
}

# Whatever the engine has of the repository, so that it has to be pulled.
forget_images() {
  local name
  docker image ls --digests --format '{{.Repository}}@{{.Digest}}' "$image" | while read -r name; do
    docker image rm --force "$name" >/dev/null
  done
}

git_tags() {
  git -C "$remote" tag --list --format '%(refname:strip=2)' | sort | tr '\n' ' '
}

commit_of() {
  git -C "$remote" rev-parse "$1^{commit}"
}

registry_tags() {
  curl --silent --noproxy '*' "http://$registry/v2/$image_path/tags/list" | jq -r '.tags // [] | sort | join(" ")'
}

# registry_digest TAG
registry_digest() {
  curl --silent --noproxy '*' --head --header 'Accept: application/vnd.oci.image.index.v1+json' \
    "http://$registry/v2/$image_path/manifests/$1" | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}

pinned_image() {
  git -C "$remote" show "$1:action.yml" | sed -n 's/^  image: //p'
}

# use_release JOB TAG [ARGUMENTS OF START_STANDIN]: a job of the user's workflow, with the tag as the repository has it now. Sets
# `code`, and `agent` to what the service was asked by.
use_release() {
  local job=$1 tag=$2 checkout
  shift 2
  checkout=$folder/at-$tag
  rm -rf "$checkout"
  git clone -q --branch "$tag" "$remote" "$checkout" 2>/dev/null
  forget_images
  start_standin "$@"
  code=$(run_act "$E2E_WORK/released.log" "$E2E_CHECKOUT" --workflows tests/e2e/workflows/released.yml --job "$job" \
    --env ENDPOINT="$STANDIN_ENDPOINT" --local-repository "owner/swr-image-sync@$tag=$checkout")
  agent=$(standin_requests '*/sync_images' | jq -r '[.[].headers[] | select(.[0] == "user-agent") | .[1]] | unique | join(" ")')
}

start_registry
start_downloads
make_warm_rust_image
image_path=owner/swr-image-sync
image=$registry/$image_path
platform=$(docker version --format '{{.Server.Arch}}')
git clone -q --bare "$E2E_CHECKOUT" "$remote"
git clone -q "$remote" "$source"

section "Release of 1.0.0"
prepare_version 1.0.0
main=$(commit_of main)
check_released 1.0.0
check_equal "the image is named after the repository, in lower case" "image=$image" "$(grep ^image= "$folder/1.0.0/checked")"
check_equal "the repository has the tags" "v1 v1.0 v1.0.0 " "$(git_tags)"
check_equal "all at one commit, on top of main" "$(commit_of v1.0.0) $(commit_of v1.0.0) $main" "$(commit_of v1) $(commit_of v1.0) $(commit_of v1.0.0^)"
check_equal "main itself is left alone, and builds its image" "$main Dockerfile" "$(commit_of main) $(pinned_image main)"
check_equal "the tag pins its image by digest" "docker://$image@$(registry_digest v1.0.0) # v1.0.0" "$(pinned_image v1.0.0)"
check_equal "the registry has the same tags, also with a shell" "v1 v1-shell v1.0 v1.0-shell v1.0.0 v1.0.0-shell" "$(registry_tags)"
check_equal "at the same digests" "$(registry_digest v1.0.0) $(registry_digest v1.0.0-shell)" "$(registry_digest v1) $(registry_digest v1.0-shell)"
check_contains "the notes are those of CHANGELOG.md" "$folder/1.0.0/notes.md" "- What 1.0.0 is about."
check_contains "and give the digest" "$folder/1.0.0/notes.md" "\`$image:v1.0.0\` is \`$(registry_digest v1.0.0)\`"
check "the checksums are those of the programs" bash -c 'cd "$1" && sha256sum --check --strict SHA256SUMS' bash "$folder/downloads/v1.0.0"

section "Use of 1.0.0"
use_release moving v1
check_equal "uses: owner/swr-image-sync@v1 succeeds" "0 success" "$code $(workflow_value released outcome)"
check_equal "it runs version 1.0.0" "swr-image-sync/1.0.0" "$agent"
check_contains "from the pinned digest" "$E2E_WORK/released.log" "image=$image@$(registry_digest v1.0.0)"
use_release binary v1
check_equal "uses: owner/swr-image-sync/binary@v1 succeeds" "0 success" "$code $(workflow_value released outcome)"
check_equal "it runs version 1.0.0" "swr-image-sync/1.0.0" "$agent"
check_equal "its outputs are those of the program" 'success 0 2 ["1.0.0","1.1.0"] 0' \
  "$(output released status) $(output released failed-count) $(output released synced-count) $(output released synced-tags) $(output released exit-code)"
check_lacks "it starts no container of the action" "$E2E_WORK/released.log" "image=$image@"
use_release binary v1 --rule '{"tag": "1.1.0", "sync": {"named_in_answer": true, "ending": {"Status": "failed"}}}'
check_equal "a failing tag fails its step, with outputs" '1 failure partial ["1.1.0"] 1' \
  "$code $(workflow_value released outcome) $(output released status) $(output released failed-tags) $(output released exit-code)"
check_no_secrets "no secret shows in its log" "$E2E_WORK/released.log"

section "Release of 1.0.1"
old=$(registry_digest v1.0.0)
old_commit=$(commit_of v1.0.0)
prepare_version 1.0.1
check_released 1.0.1
check_equal "v1 and v1.0 have moved" "$(commit_of v1.0.1) $(commit_of v1.0.1)" "$(commit_of v1) $(commit_of v1.0)"
check_equal "the images' v1 and v1.0-shell too" "$(registry_digest v1.0.1) $(registry_digest v1.0.1-shell)" "$(registry_digest v1) $(registry_digest v1.0-shell)"
check_equal "v1.0.0 has not, neither commit nor image" "$old_commit $old" "$(commit_of v1.0.0) $(registry_digest v1.0.0)"
use_release moving v1
check_equal "@v1 runs version 1.0.1" "0 swr-image-sync/1.0.1" "$code $agent"
use_release exact v1.0.0
check_equal "@v1.0.0 still runs version 1.0.0" "0 swr-image-sync/1.0.0" "$code $agent"

section "What may be done again, and what may not"
git_in_source checkout -q main
again=("$folder/1.0.1/receipts" "$folder/1.0.1/programs" --image "$image" "${digests[@]}" --programs-url "$downloads")
before="$(git_tags) $(commit_of v1) $(registry_tags) $(registry_digest v1)"
check "tagging again, after a step that failed later" step "$folder/again.log" tag "${again[@]}"
check_equal "gives the same commit" "$(commit_of v1.0.1)" "$(git_in_source rev-parse HEAD)"
git_in_source checkout -q main
check_refused() {
  local name=$1 reason=$2
  shift 2
  if step "$folder/refused.log" "$@" >/dev/null; then failed "$name" "it succeeded: $*"; else check_contains "$name" "$folder/refused.log" "$reason"; fi
  git_in_source checkout -q --force main
}
check_refused "a version that is out is refused" "the tag v1.0.1 is taken" check 1.0.1 --registry "$registry" --repository Owner/swr-image-sync
check_refused "an image that nobody pulled and ran is not tagged" "nothing is tagged before it was pulled and run: action for $platform, shell for $platform" \
  tag "$folder/1.0.0/receipts" "${again[@]:1}"
step "$folder/dry.log" --dry-run move-tags --image "$image" "${digests[@]}" >/dev/null
check_contains "a dry run says what it would do" "$folder/dry.log" "+ git push --atomic origin +FETCH_HEAD:refs/tags/v1.0 +FETCH_HEAD:refs/tags/v1"
check_equal "none of this has changed a tag" "$before" "$(git_tags) $(commit_of v1) $(registry_tags) $(registry_digest v1)"

section "A release whose image is bad"
# It holds the program of the release before: nothing is wrong but that it is not what it should be.
printf 'ARG RUST_IMAGE=none\nFROM %s AS shell\nFROM %s\n' "$image:v1-shell" "$image:v1" >"$source/Dockerfile"
prepare_version 1.0.2
if release 1.0.2; then failed "it is stopped by the test of the image" "it went through"; else
  check_contains "it is stopped by the test of the image" "$folder/1.0.2.log" "release: swr-image-sync-release:action --version: (0, 'swr-image-sync 1.0.1"
fi
check_equal "and leaves nothing behind" "$before" "$(git_tags) $(commit_of v1) $(registry_tags) $(registry_digest v1)"
