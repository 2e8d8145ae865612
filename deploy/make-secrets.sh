#!/bin/sh
# Makes the secrets that compose.yaml reads, each once: what is there stays as it is.
# The folder is closed to other users. The files inside are open, because every container
# reads them as its own user; lnwatch warns of that, though in its container nobody else is there.
set -eu
folder=$(dirname "$0")/secrets
install -d -m 0700 "$folder"
umask 022
for name in lnwatch_token lnwatch_password postgres_password grafana_password; do
  [ -s "$folder/$name" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$folder/$name"
done
[ -s "$folder/ledger_url" ] ||
  printf 'postgresql://lnwatch:%s@postgres/lnwatch' "$(cat "$folder/postgres_password")" > "$folder/ledger_url"
echo "secrets are in $folder"
