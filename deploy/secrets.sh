#!/usr/bin/env bash
# Makes the secrets of deploy/compose.yaml, once: passwords of 256 bits, and certificates of an authority that signs this once.
# `deploy/secrets.sh [folder]`, deploy/secrets/ where none is named. What is there already stays as it is.
set -euo pipefail
folder=${1:-"$(dirname "$0")/secrets"}
days=3650

if [ -e "$folder/event_store_url" ]; then
  echo "the secrets are in $folder already; to make others, with empty stores, remove the folder" >&2
  exit 1
fi
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

event_store_password=$(openssl rand -hex 32)
mongodb_password=$(openssl rand -hex 32)
printf 'EVENTSTORE_DEFAULT_ADMIN_PASSWORD=%s\nEVENTSTORE_DEFAULT_OPS_PASSWORD=%s\n' "$event_store_password" "$(openssl rand -hex 32)" >eventstore.env
printf '%s' "$mongodb_password" >mongodb_password
printf 'mongodb://waybill:%s@mongodb:27017/waybill?authSource=admin\n' "$mongodb_password" >read_model_url
printf 'mongodb://waybill:%s@mongodb:27017/waybill_values?authSource=admin\n' "$mongodb_password" >value_store_url
printf 'mongodb://waybill:%s@mongodb:27017/waybill_identities?authSource=admin\n' "$mongodb_password" >identity_store_url
printf 'kek_%s %s\n' "$(openssl rand -hex 6)" "$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')" >values.key

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days "$days" -subj '/CN=Waybill event store authority' \
  -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
  -keyout "$work/ca.key" -out eventstore_ca.crt 2>/dev/null
openssl req -newkey rsa:3072 -sha256 -nodes -subj '/CN=eventstoredb-node' -keyout "$work/node.key" -out "$work/node.csr" 2>/dev/null
openssl x509 -req -in "$work/node.csr" -sha256 -days "$days" -CA eventstore_ca.crt -CAkey "$work/ca.key" -CAcreateserial -CAserial "$work/serial" \
  -extfile <(printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature,keyEncipherment' 'extendedKeyUsage=serverAuth,clientAuth' \
    'subjectAltName=DNS:eventstore,DNS:localhost,IP:127.0.0.1') -out eventstore.crt 2>/dev/null
# The server wants its key in RSA's own form.
openssl rsa -in "$work/node.key" -traditional -out eventstore.key 2>/dev/null

# Compose mounts files with their owner and mode, and each server is another user: so each may read, and the folder keeps others out.
chmod 444 ./*
# But for the key of values, which the apps take only where nobody else may read it: it is their user's (deploy/Dockerfile).
chmod 600 values.key
[ "$(id -u)" != 0 ] || chown 1000:1000 values.key
# Last, as the sign that all of it is there.
printf 'esdb://admin:%s@eventstore:2113?tls=true&tlsCAFile=/run/secrets/eventstore_ca\n' "$event_store_password" >"$work/url"
install -m 444 "$work/url" event_store_url
echo "made in $folder: keep a copy where only operators get to" >&2
