#!/usr/bin/env bash
# Everything that reads the code without running it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

# The version of Rust whose formatting and warnings this code is clean of. A newer one knows more of them, which
# are no faults of the code; compile errors, and what the workspace itself denies, fail with every version.
readonly clean_with=1.95

version=$(rustc --version | awk '{print $2}')
if [[ $version == "$clean_with".* ]]; then
    say "== cargo fmt"
    cargo fmt --all --check
    say "== cargo clippy"
    cargo clippy --workspace --all-targets --quiet -- -D warnings
else
    say "== this is Rust $version: formatting and warnings are told and fail nothing, as they would with $clean_with"
    say "== cargo fmt"
    cargo fmt --all --check || say "== formatted otherwise by $version"
    say "== cargo clippy"
    cargo clippy --workspace --all-targets --quiet
fi
say "== cargo deny: licences, bans, sources"
cargo deny --offline --log-level warn check --hide-inclusion-graph licenses bans sources
if have shellcheck; then
    say "== shellcheck"
    shellcheck --external-sources --source-path="$root" scripts/*.sh .ci/run
else
    say "== shellcheck: not installed, skipped"
fi
