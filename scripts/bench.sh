#!/usr/bin/env bash
# Measures how fast payments are, as ratios to pgbench on the same cluster; prints Markdown.
# `scripts/bench.sh --quick` takes a minute or so; the other options are told in
# benches/payments/main.rs. `--only screening` measures one decision under 200 rules instead, `--only
# backtest` a back-test and a replay of 100,000 recorded decisions; what may follow them is told in
# benches/screening/main.rs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

scripts/setup.sh bench
have pgbench || PATH="$PATH:$(dirname "$(find /usr/lib/postgresql /usr/pgsql-* -name pgbench 2>/dev/null | sort -V | tail -n 1)")"
have pgbench || die "pgbench is missing; it comes with PostgreSQL (on Debian: postgresql-contrib or postgresql)."
case "${1:-} ${2:-}" in
  "--only screening") shift 2; exec cargo bench --quiet --bench screening -- --decisions "$@" ;;
  "--only backtest") shift 2; exec cargo bench --quiet --bench screening -- --backtest "$@" ;;
esac
exec cargo bench --quiet --bench payments -- "$@"
