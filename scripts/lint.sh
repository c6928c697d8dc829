#!/usr/bin/env bash
# Everything that reads the code without running it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

say "== cargo fmt"
cargo fmt --all --check
say "== cargo clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings
say "== cargo deny: licences, bans, sources"
cargo deny --offline --log-level warn check --hide-inclusion-graph licenses bans sources
if have shellcheck; then
    say "== shellcheck"
    shellcheck --external-sources --source-path="$root" scripts/*.sh .ci/run
else
    say "== shellcheck: not installed, skipped"
fi
