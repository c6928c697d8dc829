#!/usr/bin/env bash
# Builds the service and runs the sandbox in the foreground, until Ctrl-C.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

scripts/setup.sh run
# All of the workspace: `-p` would unify features in another way and build the same crates twice.
cargo build --release --workspace --bin interlock
# exec, so that Ctrl-C and signals reach the sandbox itself and its exit code is ours.
exec "$built/release/interlock" sandbox "$@"
