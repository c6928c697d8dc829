#!/usr/bin/env bash
# Every check and every test. Works as root and as an ordinary user, without a terminal.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"
exec </dev/null

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} RUST_BACKTRACE=${RUST_BACKTRACE:-1}

# The oracle tests pass over what is not installed; here that would be a hole. `skip` in this
# variable is for machines that cannot reach the registries of Python and npm.
#
# The OpenAPI files and vectors that PSPs publish are no part of the repository. Tests that need them look
# into the folder that INTERLOCK_SHARED names, and are passed over without it: requests and answers are then
# held against no OpenAPI file, and Trustly's and TrueLayer's signatures against no published vector
# (docs/psps.md, "What our reading rests on").
export INTERLOCK_ORACLES=${INTERLOCK_ORACLES:-required}

# The tests' databases take gigabytes, which are memory where /tmp is: then they are in target/, unless sockets
# in there had too long a path (a name of a socket has 103 bytes at most, half of which is ours), or the user
# that root runs PostgreSQL as could not enter.
in_memory() { [ "$(stat --file-system --format=%T "$1" 2>/dev/null)" = tmpfs ]; }

enterable() {
    local folder=$1
    [ "$(id -u)" -eq 0 ] || return 0
    while [ "$folder" != / ]; do
        [ $((0$(stat --format=%a "$folder") & 1)) -eq 1 ] || return 1
        folder=$(dirname "$folder")
    done
}

if [ -z "${TMPDIR:-}" ] && in_memory /tmp; then
    mkdir -p "$built/tmp"
    folder=$(cd "$built/tmp" && pwd)
    if [ "${#folder}" -gt 50 ] || in_memory "$folder" || ! enterable "$folder"; then folder=/var/tmp; fi
    if ! in_memory "$folder"; then export TMPDIR=$folder; fi
fi

# Worlds of tests hold many sockets and databases at once: more than the 1,024 files that a process of an
# ordinary user may have open until it asks for what it is allowed.
ulimit -S -n hard || true

# Also where DATABASE_URL is set: no test asks that database.
unset PGOPTIONS

scripts/setup.sh test
# cargo deny works offline on the crates of all platforms, a build fetches this platform's only. And
# with --locked a Cargo.lock that does not fit fails here, instead of being rewritten quietly.
cargo fetch --locked --quiet
scripts/lint.sh

say "== cargo test"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# --no-fail-fast: one run names everything that fails, not the first thing only.
if cargo test --workspace --no-fail-fast 2>&1 | tee "$log"; then
    say "== all tests passed: $(awk '/^test result:/ {n += $4} END {print n + 0}' "$log")"
else
    say ""
    say "== failed:"
    grep -E '^(test .* FAILED$|error(\[|:))' "$log" | sort -u >&2 || true
    exit 1
fi
