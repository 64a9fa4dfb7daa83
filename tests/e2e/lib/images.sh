# The repository as a user would check it out, and the two images that its Dockerfile gives.
# shellcheck shell=bash

ACTION_IMAGE=swr-image-sync:e2e
SHELL_STAGE_IMAGE=swr-image-sync:e2e-shell
# The name under which act looks for the image of `uses: ./`.
ACT_IMAGE=act-dockeraction:latest
SOURCE_URL=https://git.example.com/e2e/swr-image-sync
export ACTION_IMAGE SHELL_STAGE_IMAGE ACT_IMAGE SOURCE_URL

# A commit of what lies in the working tree, ignored files left out.
make_checkout() {
  E2E_CHECKOUT=$E2E_WORK/checkout
  export E2E_CHECKOUT
  mkdir "$E2E_CHECKOUT"
  git -C "$REPOSITORY_ROOT" ls-files -z --cached --others --exclude-standard |
    rsync -a --ignore-missing-args --from0 --files-from=- "$REPOSITORY_ROOT/" "$E2E_CHECKOUT/"
  git_as_e2e init -q -b main
  git_as_e2e remote add origin "$SOURCE_URL.git"
  git_as_e2e add -A
  git_as_e2e commit -q -m "The tree under test"
}

git_as_e2e() {
  git -C "$E2E_CHECKOUT" -c user.name=e2e -c user.email=e2e@example.com -c commit.gpgsign=false "$@"
}

# What the checkout says it is.
package_version() {
  sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$E2E_CHECKOUT/Cargo.toml"
}

checkout_revision() {
  git_as_e2e rev-parse HEAD
}

# build_image TAG DOCKER-BUILD-ARGUMENTS...: prints the log only when the build fails.
build_image() {
  local log=$E2E_WORK/build.log tag=$1
  shift
  docker build --network host --progress plain -t "$tag" \
    --build-arg REVISION="$(checkout_revision)" --build-arg VERSION="$(package_version)" --build-arg SOURCE="$SOURCE_URL" \
    --build-arg SOURCE_DATE_EPOCH="$(git_as_e2e log -1 --format=%ct)" \
    --build-arg HTTPS_PROXY --build-arg NO_PROXY "$@" "$E2E_CHECKOUT" >"$log" 2>&1 </dev/null ||
    die "docker build failed: $(tail -n 40 "$log")"
}

build_images() {
  build_image "$ACTION_IMAGE"
  build_image "$SHELL_STAGE_IMAGE" --target shell
  docker tag "$ACTION_IMAGE" "$ACT_IMAGE"
}
