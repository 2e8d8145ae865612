#!/usr/bin/env bash
# Builds bitcoind, lnd and lncli for the real test bed from pinned packages, once per set of pins.
# Prints the folder that holds the binaries. Usage: build.sh [--where]   (--where: only print the folder)
# Cold: 15 to 20 minutes on two cores. The folder lies outside the checkout; LNWATCH_CACHE moves it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=pins.env
source "$here/pins.env"
root=${LNWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lnwatch}
key=$(cat "$here/pins.env" "$here/build.sh" "$here"/lnd/go.mod "$here"/lnd/go.sum | sha256sum | cut -c1-16)
out=$root/stack-$key
if [ "${1:-}" = --where ]; then echo "$out"; exit 0; fi

complete() { [ -x "$out/bitcoind" ] && [ -x "$out/lnd" ] && [ -x "$out/lncli" ]; }
if complete; then echo "$out"; exit 0; fi

for tool in "cargo:Rust, any version" "go:Go 1.25 or later" "cmake:Debian cmake" "ninja:Debian ninja-build" \
  "g++:Debian g++" "pkg-config:Debian pkg-config" "flock:Debian util-linux"; do
  command -v "${tool%%:*}" >/dev/null || { echo "build.sh: ${tool%%:*} is missing (${tool#*:})" >&2; exit 1; }
done
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9                                   # two test runs at once build once

build_bitcoind() {
  [ -x "$out/bitcoind" ] && return
  local work=$out/work-bitcoind crate
  rm -rf "$work"; mkdir -p "$work/src"
  printf '[package]\nname = "pin"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
    "$BITCOIN_CRATE" "$BITCOIN_CRATE_VERSION" > "$work/Cargo.toml"
  : > "$work/src/lib.rs"
  (cd "$work" && cargo fetch --quiet)
  if ! grep -qF "checksum = \"$BITCOIN_CRATE_SHA256\"" "$work/Cargo.lock"; then
    echo "the checksum of $BITCOIN_CRATE $BITCOIN_CRATE_VERSION is not the pinned one"; return 1
  fi
  crate=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d \
    -name "$BITCOIN_CRATE-$BITCOIN_CRATE_VERSION" -print -quit)
  # The crate leaves out wallet, ZMQ, GUI and tests, and so do we; LND polls instead of listening to ZMQ.
  cmake -S "$crate/bitcoin" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DENABLE_WALLET=OFF -DENABLE_IPC=OFF \
    -DWITH_ZMQ=OFF -DWITH_EMBEDDED_ASMAP=OFF -DBUILD_TESTS=OFF -DBUILD_BENCH=OFF -DBUILD_TX=OFF -DBUILD_UTIL=OFF \
    -DBUILD_WALLET_TOOL=OFF -DBUILD_GUI=OFF -DBUILD_FUZZ_BINARY=OFF -DBUILD_KERNEL_LIB=OFF -DINSTALL_MAN=OFF
  ninja -C "$work/build" bitcoind
  strip -o "$out/.bitcoind" "$work/build/bin/bitcoind"
  mv "$out/.bitcoind" "$out/bitcoind"
  rm -rf "$work"
}

build_lnd() {
  [ -x "$out/lnd" ] && [ -x "$out/lncli" ] && return
  local work=$out/work-lnd
  rm -rf "$work"; cp -r "$here/lnd" "$work"
  # -mod=readonly: a module that is not in go.sum, or is another one, stops the build.
  (cd "$work" && go build -mod=readonly -trimpath -ldflags "-s -w" -o "$work/bin/" -tags "$LND_TAGS" \
    "$LND_MODULE/cmd/lnd" "$LND_MODULE/cmd/lncli")
  mv "$work/bin/lnd" "$work/bin/lncli" "$out/"
  rm -rf "$work"
}

set -m                                    # a process group each, so that an interrupt ends compilers too
build_bitcoind >"$out/bitcoind.log" 2>&1 & first=$!
build_lnd >"$out/lnd.log" 2>&1 & second=$!
trap 'kill -- "-$first" "-$second" 2>/dev/null; exit 130' INT TERM
failed=0
wait "$first" || { failed=1; echo "build.sh: bitcoind failed ($out/bitcoind.log):" >&2; tail -n 20 "$out/bitcoind.log" >&2; }
wait "$second" || { failed=1; echo "build.sh: lnd failed ($out/lnd.log):" >&2; tail -n 20 "$out/lnd.log" >&2; }
[ "$failed" = 0 ] || exit 1
echo "$out"
