# The base images, under the public names that the Dockerfile and the runners ask for. Nothing can be pulled where these checks
# run, so each is put together from Debian's packages and the toolchain of this machine.
# shellcheck shell=bash

# What the public Rust image holds beside the toolchain, rsync for the helper image of gitlab-ci-local, and curl for binary/.
BASE_PACKAGES=gcc,libc6-dev,ca-certificates,rsync,curl
# A job image: what `runs-on: ubuntu-latest` stands for here.
JOB_IMAGE=e2e/job:local
GITLAB_HELPER_IMAGE=docker.io/firecow/gitlab-ci-local-util:latest

# The default of a build argument in the Dockerfile.
dockerfile_argument() {
  sed -n "s/^ARG $1=//p" "$REPOSITORY_ROOT/Dockerfile"
}

make_base_images() {
  local root
  root=$E2E_CACHE/debian-bookworm-$(sha256sum <<<"$BASE_PACKAGES" | cut -c1-12).tar
  (
    flock 8
    [ -s "$root" ] || make_debian_root "$root"
  ) 8>"$E2E_CACHE/lock"
  docker import "$root" "$JOB_IMAGE" >/dev/null
  docker tag "$JOB_IMAGE" "$GITLAB_HELPER_IMAGE"
  make_rust_image
  make_shell_image
}

make_debian_root() {
  local folder mirror
  # shellcheck disable=SC2016 # apt's own placeholder
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -n 1)
  [ -n "$mirror" ] || die "apt knows no mirror of Debian bookworm"
  folder=$(mktemp -d "$E2E_CACHE/unfinished.XXXXXX")
  debootstrap --variant=minbase --include="$BASE_PACKAGES" bookworm "$folder" "$mirror" >"$E2E_CACHE/debootstrap.log" 2>&1 </dev/null ||
    die "debootstrap failed: $(tail -n 5 "$E2E_CACHE/debootstrap.log")"
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
  tar -C "$folder" -cf "$1.unfinished" .
  mv "$1.unfinished" "$1"
  rm -rf "$folder"
}

# The toolchain, certificates and cargo configuration are those of this machine, so that cargo reaches its registry from inside
# a build as it does outside.
make_rust_image() {
  local folder sysroot
  folder=$(mktemp -d "$E2E_WORK/rust.XXXXXX")
  sysroot=$(rustc --print sysroot)
  cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$folder/ca-certificates.crt"
  mkdir "$folder/cargo"
  for file in config config.toml; do
    [ ! -e "${CARGO_HOME:-$HOME/.cargo}/$file" ] || cp "${CARGO_HOME:-$HOME/.cargo}/$file" "$folder/cargo/"
  done
  cat >"$folder/Dockerfile" <<END
FROM $JOB_IMAGE
COPY bin /usr/local/bin
COPY lib /usr/local/lib
COPY cargo /.cargo
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
END
  tar -c -C "$folder" Dockerfile ca-certificates.crt cargo -C "$sysroot" bin/cargo bin/rustc lib |
    docker build -q -t "$(dockerfile_argument RUST_IMAGE)" - >/dev/null
}

make_shell_image() {
  local folder applet
  folder=$(mktemp -d "$E2E_WORK/busybox.XXXXXX")
  mkdir "$folder/bin"
  cp /bin/busybox "$folder/bin/"
  while read -r applet; do
    [ -e "$folder/bin/$applet" ] || ln -s busybox "$folder/bin/$applet"
  done < <("$folder/bin/busybox" --list)
  tar -C "$folder" -c . | docker import -c 'CMD ["sh"]' - "$(dockerfile_argument SHELL_IMAGE)" >/dev/null
}
