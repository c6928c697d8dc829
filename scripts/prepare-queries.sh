#!/usr/bin/env bash
# Writes .sqlx: what the query! macros need to be checked without a database.
#
# Run it after a change of a query or a migration. It applies the migrations to an empty database of
# its own on the server that DATABASE_URL names (as a role that may create databases), and drops it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${DATABASE_URL:-}" ]; then
  echo "prepare-queries: set DATABASE_URL to a PostgreSQL server, as a role that may create databases," >&2
  echo "  for example the owner of a running sandbox (.interlock/run.json, owner_url)" >&2
  exit 2
fi
name="interlock_queries_$$"
url=$(printf '%s' "$DATABASE_URL" | sed -E "s#^(postgres(ql)?://[^/]*/)[^?]*#\1$name#")
psql -q "$DATABASE_URL" -v ON_ERROR_STOP=1 -c "create database $name"
out=$(mktemp -d)
trap 'rm -rf "$out"; psql -q "$DATABASE_URL" -c "drop database if exists $name"' EXIT
for file in migrations/*.sql; do
  psql -q "$url" -v ON_ERROR_STOP=1 -f "$file"
done
# Only a source that is compiled writes its queries.
grep -rlZE 'query(_as|_scalar|_file)?!' src | xargs -0 touch
DATABASE_URL="$url" SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$out" \
  cargo check --workspace --all-targets --quiet
rm -rf .sqlx
mkdir .sqlx
cp "$out"/query-*.json .sqlx/
echo "prepare-queries: $(find .sqlx -name 'query-*.json' | wc -l) queries"
