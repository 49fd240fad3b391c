# Sourced by the scripts beside it: where the repository is, and where its tools are.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.tools
# Own tools first; the usual home of cargo last, for a shell that never read rustup's profile.
PATH=$tools/bin:$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
export PATH
cd "$root" || exit 1
