#!/usr/bin/env bash
# What is in the two images, what they say about themselves, and that the program needs nothing around it.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

folder=$(mktemp -d "$E2E_WORK/image.XXXXXX")

image_format() {
  docker image inspect --format "$2" "$1"
}

# Every path in every layer, as it was built rather than as a started container shows it.
image_files() {
  local layers=$folder/layers
  rm -rf "$layers" && mkdir "$layers"
  docker save "$1" | tar -x -C "$layers"
  jq -r '.[0].Layers[]' "$layers/manifest.json" | while read -r layer; do tar -tf "$layers/$layer"; done
}

# copy_from IMAGE PATH TO
copy_from() {
  local container
  container=$(docker create "$1" none)
  docker cp -q "$container:$2" "$3" 2>/dev/null || docker cp "$container:$2" "$3"
  docker rm "$container" >/dev/null
}

section "The action's image"
check_equal "holds the program and no other file" "swr-image-sync" "$(image_files "$ACTION_IMAGE")"
check_at_most "is at most 4,000,000 bytes" 4000000 "$(image_format "$ACTION_IMAGE" '{{.Size}}')"
check_equal "runs as root" "" "$(image_format "$ACTION_IMAGE" '{{.Config.User}}')"
check_equal "starts the program, without a shell" '["/swr-image-sync"] null' \
  "$(image_format "$ACTION_IMAGE" '{{json .Config.Entrypoint}} {{json .Config.Cmd}}')"
for image in "$ACTION_IMAGE" "$SHELL_STAGE_IMAGE"; do
  check_equal "$image is labelled with source, revision, version and licences" \
    "$SOURCE_URL $(checkout_revision) $(package_version) MIT OR Apache-2.0" \
    "$(docker image inspect "$image" | jq -r '.[0].Config.Labels | [.["org.opencontainers.image." + ("source", "revision", "version", "licenses")]] | join(" ")')"
done
copy_from "$ACTION_IMAGE" /swr-image-sync "$folder/swr-image-sync"
check_equal "carries the commit's time on the program's file" "$(git_as_e2e log -1 --format=%ct)" "$(stat -c %Y "$folder/swr-image-sync")"

section "The shell image"
copy_from "$SHELL_STAGE_IMAGE" /bin/swr-image-sync "$folder/in-shell"
check "holds the same program" cmp "$folder/swr-image-sync" "$folder/in-shell"
check_equal "has no entry point" "null" "$(image_format "$SHELL_STAGE_IMAGE" '{{json .Config.Entrypoint}}')"
check_equal "starts sh, env and tail" "started" \
  "$(docker run --rm --network none "$SHELL_STAGE_IMAGE" sh -c 'env word=started sh -c "echo \$word" | tail -n 1')"

# The runners of Gitea and Forgejo build without BuildKit; what they get must be the same program.
section "A second build, without BuildKit"
DOCKER_BUILDKIT=0 build_image swr-image-sync:e2e-classic
copy_from swr-image-sync:e2e-classic /swr-image-sync "$folder/classic"
check "gives the same program, byte for byte" cmp "$folder/swr-image-sync" "$folder/classic"
