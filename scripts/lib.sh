# shellcheck shell=bash
# What the scripts share. Sourced, never run.

# The root of the repository, whatever folder the caller stands in.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Programs that are installed for this project alone.
tools="$root/.interlock/tools"
export PATH="$tools/bin:$PATH"

# Queries are checked against the committed .sqlx, whatever database the caller's DATABASE_URL names:
# a stray one would fail the build. SQLX_OFFLINE=false asks the database.
export SQLX_OFFLINE=${SQLX_OFFLINE:-true}
# It is added to whatever an address says, and would change our own databases. (One of the caller's may want it.)
[ -n "${DATABASE_URL:-}" ] || unset PGOPTIONS
# Where cargo puts what it builds.
built=${CARGO_TARGET_DIR:-$root/target}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least 1.94 1.95.0: whether the second version is the first or newer.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
