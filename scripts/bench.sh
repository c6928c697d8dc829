#!/usr/bin/env bash
# Measures how fast payments are, as ratios to pgbench on the same cluster; prints Markdown.
# `scripts/bench.sh --quick` takes a minute or so; the other options are told in
# benches/payments/main.rs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

[ -n "${DATABASE_URL:-}" ] || export SQLX_OFFLINE=true

scripts/setup.sh bench
have pgbench || PATH="$PATH:$(dirname "$(find /usr/lib/postgresql /usr/pgsql-* -name pgbench 2>/dev/null | sort -V | tail -n 1)")"
have pgbench || die "pgbench is missing; it comes with PostgreSQL (on Debian: postgresql-contrib or postgresql)."
exec cargo bench --quiet --bench payments -- "$@"
