#!/usr/bin/env bash
# Fetches the program of this release for the runner's platform, checks it against the checksum that this commit holds, and runs it.
# Also for the bash 3.2 of macOS. Inputs are variables already; nothing of them is read here.
set -euo pipefail

# stop CODE REASON: ends the step. Its outputs are written all the same, as the program would.
stop() {
  printf '::error title=swr-image-sync::%s\n' "$2"
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf '%s\n' status=failure 'failed-tags=[]' failed-count=0 'failed-images=[]' 'synced-tags=[]' synced-count=0 \
      'results=[]' "exit-code=$1" >>"$GITHUB_OUTPUT"
  fi
  exit "$1"
}

fetch() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1"
  else
    stop 101 "binary/ needs curl or wget on the runner"
  fi
}

checksum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi
}

[ -n "${PROGRAMS_URL:-}" ] || stop 101 "binary/ runs released programs: use it at a release, such as @v1, or use the action itself"

case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
  Linux-X64) file=swr-image-sync-linux-x86_64 ;;
  Linux-ARM64) file=swr-image-sync-linux-aarch64 ;;
  macOS-X64) file=swr-image-sync-macos-x86_64 ;;
  macOS-ARM64) file=swr-image-sync-macos-aarch64 ;;
  # Windows on ARM runs it too.
  Windows-*) file=swr-image-sync-windows-x86_64.exe ;;
  *) stop 101 "there is no program for ${RUNNER_OS:-an unknown system} on ${RUNNER_ARCH:-an unknown processor}" ;;
esac

wanted=
while read -r sum name; do
  [ "$name" != "$file" ] || wanted=$sum
done <<<"$PROGRAMS_CHECKSUMS"
[ -n "$wanted" ] || stop 101 "this release has no $file"

folder=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/swr-image-sync-$wanted
program=$folder/$file
if [ ! -x "$program" ]; then
  mkdir -p "$folder"
  unchecked=$(mktemp "$folder/unchecked.XXXXXX")
  fetch "$PROGRAMS_URL/$file" "$unchecked" || stop 5 "$PROGRAMS_URL/$file could not be fetched"
  found=$(checksum "$unchecked")
  found=${found#\\}
  [ "${found%% *}" = "$wanted" ] || stop 101 "$PROGRAMS_URL/$file is not what was released: its SHA-256 is ${found%% *}, not $wanted"
  chmod +x "$unchecked"
  mv "$unchecked" "$program"
fi

unset PROGRAMS_URL PROGRAMS_CHECKSUMS
exec "$program"
