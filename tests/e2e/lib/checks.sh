# How a check is told: one line each, and the evidence under those that failed. Results are lines of a file, so that checks may
# run in processes of their own.
# shellcheck shell=bash

# The access key and secrets that the workflows use. The stand-in knows them; no output may show one.
E2E_ACCESS_KEY=E2EACCESSKEY00000001
E2E_SECRET_KEY=e2eSecretKey/With+Signs0123456789abcdefgh
E2E_SECRETS=("$E2E_SECRET_KEY")
export E2E_ACCESS_KEY E2E_SECRET_KEY

# section TITLE: says what the following checks are about.
section() {
  printf '\n%s\n' "$1"
}

# passed NAME and failed NAME [EVIDENCE]: one result.
passed() {
  printf '  ok      %s\n' "$1"
  echo ok >>"$E2E_WORK/results"
}

failed() {
  printf '  FAILED  %s\n' "$1"
  [ $# -lt 2 ] || tail -c 6000 <<<"$2" | tail -n 30 | cut -c1-400 | sed 's/^/          | /'
  echo FAILED >>"$E2E_WORK/results"
}

# check NAME COMMAND...: the command succeeds.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then passed "$name"; else failed "$name" "$* ended with $?: $output"; fi
}

# check_equal NAME EXPECTED ACTUAL
check_equal() {
  if [ "$2" = "$3" ]; then passed "$1"; else failed "$1" "expected: $2"$'\n'"found:    $3"; fi
}

# check_at_most NAME LIMIT NUMBER
check_at_most() {
  if [ "$3" -le "$2" ]; then passed "$1 ($3)"; else failed "$1" "at most: $2"$'\n'"found:   $3"; fi
}

# check_contains NAME FILE TEXT: the text stands in the file as it is.
check_contains() {
  if grep -qF -e "$3" "$2"; then passed "$1"; else failed "$1" "not found: $3"$'\n'"$(cat "$2")"; fi
}

# check_lacks NAME FILE TEXT
check_lacks() {
  [ -s "$2" ] || { failed "$1" "nothing was written to $2"; return; }
  if grep -qF -e "$3" "$2"; then failed "$1" "$(grep -nF -e "$3" "$2")"; else passed "$1"; fi
}

# check_no_secrets NAME FILE...: none of the secrets shows, as it is, percent-encoded or in base64. Mask commands are left out.
check_no_secrets() {
  local name=$1 secret file found=
  shift
  for file in "$@"; do
    [ -s "$file" ] || { failed "$name" "nothing was written to $file"; return; }
    for secret in "${E2E_SECRETS[@]}"; do
      found+=$(grep -vF '::add-mask::' "$file" |
        grep -nF -e "$secret" -e "$(jq -rn --arg s "$secret" '$s|@uri')" -e "$(printf %s "$secret" | base64 -w0)" || true)
    done
  done
  if [ -z "$found" ]; then passed "$name"; else failed "$name" "$found"; fi
}

# report_results: the closing line; fails unless everything that ran passed, and something ran.
report_results() {
  local good bad
  good=$(grep -c '^ok$' "$E2E_WORK/results" 2>/dev/null || true)
  bad=$(grep -c '^FAILED$' "$E2E_WORK/results" 2>/dev/null || true)
  printf '\n%s passed, %s failed\n' "${good:-0}" "${bad:-0}"
  [ "${good:-0}" -gt 0 ] && [ "${bad:-0}" -eq 0 ]
}
