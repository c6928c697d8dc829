#!/usr/bin/env bash
# Builds the service and plays the demo story against the sandbox that runs in another terminal.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root"

cargo build --quiet --release --workspace --bin interlock
exec "$built/release/interlock" demo "$@"
