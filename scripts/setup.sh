#!/usr/bin/env bash
# Installs what is missing for one purpose: scripts/setup.sh [run|test|bench].
#
# As root, or where sudo asks for no password, through apt. Otherwise it says exactly what to
# install and exits with 1. What is there already is left alone, so that a second call is quick.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

purpose=${1:-run}
case "$purpose" in
    run | test | bench) ;;
    *) die "usage: scripts/setup.sh [run|test|bench]" ;;
esac

# As `rust-version` of Cargo.toml: sqlx asks for it.
readonly cargo_oldest=1.94
readonly postgresql_oldest=15
readonly cargo_deny_version=0.20.2

# The newest major version of the PostgreSQL server programs, or 0. The server looks in the same
# places (src/sandbox/programs.rs).
postgresql_major() {
    local newest=0 folder major
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin /usr/local/pgsql/bin \
        "$(dirname "$(command -v postgres || echo /nowhere/postgres)")"; do
        if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
            major=$("$folder/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
            if [ "$major" -gt "$newest" ]; then newest=$major; fi
        fi
    done
    echo "$newest"
}

browser() { have chromium || have chromium-browser || have google-chrome; }

# The packages that this purpose needs and this machine lacks, by their Debian names; after a slash
# the name that Ubuntu has.
missing_packages() {
    have cc || echo gcc
    # Without it nothing links; a compiler only recommends it, and nothing recommended is installed here.
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    have make || echo make
    have pkg-config || echo pkg-config
    pkg-config --exists openssl 2>/dev/null || echo libssl-dev
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/ssl/cert.pem ] || echo ca-certificates
    if [ "$(postgresql_major)" -lt "$postgresql_oldest" ] || ! have psql; then
        echo postgresql
    fi
    [ "$purpose" = test ] || return 0
    browser || echo chromium/chromium-browser
    have chromedriver || echo chromium-driver/chromium-chromedriver
    have curl || echo curl
    [ "${INTERLOCK_ORACLES:-}" != skip ] || return 0
    # Debian's python3 comes without the part that makes environments.
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    have node || echo nodejs
    have npm || echo npm
}

check_rust() {
    local get="get it from https://rustup.rs, or run 'rustup update' where rustup is installed"
    have cargo || die "Rust is missing: $get."
    local version
    version=$(cargo --version | awk '{print $2}')
    at_least "$cargo_oldest" "$version" ||
        die "cargo $version is too old, $cargo_oldest or newer is needed: $get."
    [ "$purpose" = test ] || return 0
    { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
        die "rustfmt or clippy is missing: get them with
    rustup component add rustfmt clippy
and start again."
}

# Runs a command as root, or fails where that would need a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    have apt-get || return 1
    [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

# Installing Debian's `postgresql` would create a cluster, start it and start it at each boot. The
# sandbox runs a cluster of its own, so that one would only take memory and port 5432.
no_distro_cluster() {
    local folder=/etc/postgresql-common/createcluster.d
    [ -e /etc/postgresql-common/createcluster.conf ] && return 0
    [ -e "$folder/interlock.conf" ] && return 0
    as_root mkdir -p "$folder"
    echo 'create_main_cluster = false' | as_root tee "$folder/interlock.conf" >/dev/null
    say "PostgreSQL will make no cluster of its own at its installation: $folder/interlock.conf says so (remove it if you want one)"
}

# Of each package the first name that apt has something to install for: one name that it does not know
# would fail them all. Where it has none the first name stays, and apt says what is wrong with it.
known_to_apt() {
    local package name
    for package in "$@"; do
        for name in ${package//\// }; do
            if apt-cache show "$name" >/dev/null 2>&1; then
                echo "$name"
                continue 2
            fi
        done
        echo "${package%%/*}"
    done
}

install_packages() {
    local packages=("$@")
    if ! may_install; then
        ! have apt-cache || mapfile -t packages < <(known_to_apt "$@")
        packages=("${packages[@]%%/*}")
        die "this machine lacks: ${packages[*]}. Install them, on Debian or Ubuntu with
    sudo apt-get install ${packages[*]}
and start again. (Without root, or sudo that asks for no password, this script installs nothing.)"
    fi
    local package
    for package in "$@"; do
        if [ "$package" = postgresql ]; then no_distro_cluster; fi
    done
    # Another apt, of a system that updates itself, may be at it.
    local options=(-y -qq --no-install-recommends -o DPkg::Lock::Timeout=300
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq -o DPkg::Lock::Timeout=300 </dev/null
    mapfile -t packages < <(known_to_apt "$@")
    say "installing ${packages[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${packages[@]}" \
        </dev/null >&2 || die "apt could not install ${packages[*]}; its message is above."
}

check_postgresql() {
    local major
    major=$(postgresql_major)
    [ "$major" -ge "$postgresql_oldest" ] && return 0
    die "this system offers PostgreSQL $major, $postgresql_oldest or newer is needed.
PostgreSQL's own packages have it: https://www.postgresql.org/download/linux/ (on Debian and
Ubuntu: apt-get install postgresql-common, then
/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh, then apt-get install postgresql-17)."
}

# Checks licences, bans and sources of all dependencies. It is built into the project's folder, which
# stands before all others in PATH; one of another version elsewhere may read deny.toml otherwise.
install_cargo_deny() {
    [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $cargo_deny_version" ] && return 0
    say "installing cargo-deny $cargo_deny_version into $tools (about two minutes)"
    # What is built is run while it is built, which a folder for temporary files may not allow.
    CARGO_TARGET_DIR="$built/tools" \
        cargo install --quiet --locked --root "$tools" "cargo-deny@$cargo_deny_version" </dev/null ||
        die "cargo-deny could not be installed; install it yourself with
    cargo install --locked cargo-deny@$cargo_deny_version"
}

check_rust
mapfile -t packages < <(missing_packages)
[ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
check_postgresql
[ "$purpose" = test ] || exit 0
install_cargo_deny
if [ "${INTERLOCK_ORACLES:-}" != skip ]; then "$root/scripts/oracles.sh"; fi
