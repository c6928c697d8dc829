#!/usr/bin/env bash
# Installs the independent implementations that the oracle tests ask: the PSPs' own libraries for
# Python and Node, and a validator of OpenAPI descriptions. Exact versions with their checksums
# (psp-adapters/tests/oracles/packages), into target/oracles alone; once, until the lists change.
#
# python3 with venv, node and npm must be there; scripts/setup.sh installs them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

readonly lists="$root/psp-adapters/tests/oracles/packages"
readonly folder="$root/target/oracles"

# The tests compare these copies with the lists, so that nobody asks yesterday's oracles.
complete() { [ -e "$folder/complete" ] && diff -rq "$lists" "$folder/lists" >/dev/null 2>&1; }

# $1 is what was being installed.
failed() {
    die "the oracles ($1) could not be installed; the message is above.
They come from Python's and npm's package registries, so this needs a network, once.
Without one, run the other tests with
    INTERLOCK_ORACLES=skip make test"
}

install_python() {
    python3 -m venv "$folder/python" || failed 'a Python environment'
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        --requirement "$lists/requirements.txt" || failed 'Python packages'
}

# No package's own scripts run at installation.
install_node() {
    mkdir -p "$folder/node"
    cp "$lists/package.json" "$lists/package-lock.json" "$folder/node/"
    npm --prefix "$folder/node" ci --silent --ignore-scripts --no-audit --no-fund --no-update-notifier ||
        failed 'Node packages'
}

if complete; then exit 0; fi
mkdir -p "$root/target"
# Two checks at once must not install over each other.
exec 9>"$root/target/oracles.lock"
if have flock; then flock 9; fi
if complete; then exit 0; fi

say "installing the oracles into $folder (about a minute)"
rm -rf "$folder"
mkdir -p "$folder"
install_python
install_node
cp -r "$lists" "$folder/lists"
touch "$folder/complete"
