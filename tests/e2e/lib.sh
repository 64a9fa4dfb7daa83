# Functions for running the shipped image and action the way a user's runner does. Sourced by tests/e2e/run, by every file in
# tests/e2e/checks and by .ci/lint; sourcing does nothing but define.
#
#   tools.sh    programs that the checks need: installed once a machine, at pinned versions
#   bases.sh    the public base images, made here because none can be pulled
#   daemon.sh   a Docker engine of this run's own
#   images.sh   the two images of the Dockerfile
#   standin.sh  the imitation of the service
#   runner.sh   workflows through act, GitLab jobs through gitlab-ci-local
#   checks.sh   what is checked, and how it is told
# shellcheck shell=bash

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY_ROOT=$(cd "$E2E_DIR/../.." && pwd)
# Kept between runs on one machine; whatever is absent is made anew.
E2E_CACHE=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/swr-image-sync-e2e}

export E2E_DIR REPOSITORY_ROOT E2E_CACHE

for part in checks tools bases daemon images standin runner; do
  # shellcheck source=/dev/null
  source "$E2E_DIR/lib/$part.sh"
done
