#!/usr/bin/env bash
# What is in the two images, what they say about themselves, and that the program needs nothing around it.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

trap stop_standin EXIT

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
check_at_most "is at most 5,000,000 bytes" 5000000 "$(image_format "$ACTION_IMAGE" '{{.Size}}')"
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

section "The program with nothing around it"
check_equal "--version tells version and commit" "swr-image-sync $(package_version) ($(checkout_revision))" \
  "$(docker run --rm --network none "$ACTION_IMAGE" --version)"

# Not even what Docker puts into every container: /etc/hosts, /etc/resolv.conf, /dev.
mkdir "$folder/root"
cp "$folder/swr-image-sync" "$folder/root/"
code=0
env -i INPUT_IMAGES=swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0 INPUT_TARGETS=cn-east-3 INPUT_DRY_RUN=true \
  /usr/sbin/chroot "$folder/root" /swr-image-sync >"$folder/alone.log" 2>&1 || code=$?
check_equal "runs where no other file exists" 0 "$code"
check_contains "and does its work there" "$folder/alone.log" '"remoteRegionId":"cn-east-3"'

start_standin --listen-tls 127.0.0.1:0
host=swr-api.cn-north-4.myhuaweicloud.com
check "finds a name in /etc/hosts and trusts a root it was given" docker run --rm --network host --add-host "$host:127.0.0.1" \
  --env INPUT_IMAGES=swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0 --env INPUT_TARGETS=cn-east-3 \
  --env INPUT_ACCESS-KEY="$E2E_ACCESS_KEY" --env INPUT_SECRET-KEY="$E2E_SECRET_KEY" \
  --env INPUT_ENDPOINT="https://$host:${STANDIN_SECOND_URL##*:}" --env INPUT_CA-CERTS="$(standin GET ca)" "$ACTION_IMAGE"
check_equal "and is understood there" "1 signed" "$(sync_calls)"

# The runners of Gitea and Forgejo build without BuildKit; what they get must be the same program.
section "A second build, without BuildKit"
DOCKER_BUILDKIT=0 build_image swr-image-sync:e2e-classic
copy_from swr-image-sync:e2e-classic /swr-image-sync "$folder/classic"
check "gives the same program, byte for byte" cmp "$folder/swr-image-sync" "$folder/classic"
