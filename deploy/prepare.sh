#!/usr/bin/env bash
# Installs what this machine lacks and builds: Debian 12, root (or sudo), Node >= 20.
# Sourced by up.sh, test.sh and bench.sh; quiet where nothing is to be done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1mwaybill\033[0m  %s\n' "$*"; }

node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$node_major" -lt 20 ]; then
  say "Node 20 or newer is needed to begin (found: $(node --version 2>/dev/null || echo none))." >&2
  exit 1
fi

# command -> Debian package; dockerd and nats-server live in /usr/sbin, which a user's PATH may lack.
export PATH="$PATH:/usr/sbin:/sbin"
missing=()
lacks() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
lacks nats-server nats-server
lacks busybox busybox-static
lacks iptables iptables
lacks curl curl
if [ -z "${DOCKER_HOST:-}" ]; then lacks dockerd docker.io; fi
lacks docker docker.io
# The tests pull from a registry of their own.
if [ -n "${for_tests:-}" ]; then lacks docker-registry docker-registry; fi
# The tests let compose read deploy/compose.yaml, with certificates made for it, and Prometheus check what /metrics says.
if [ -n "${for_tests:-}" ]; then
  lacks openssl openssl
  lacks promtool prometheus
  docker compose version >/dev/null 2>&1 || lacks docker-compose docker-compose
fi
# What tenants run, for real: an image is made of the one, the other is elsewhere. Neither is to be started here.
if [ -n "${for_tests:-}" ]; then
  runlevel=1
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  lacks redis-server redis-server
fi
# The load of the benchmark.
if [ -n "${for_bench:-}" ]; then lacks wrk wrk; fi
# The tests start a server that speaks MongoDB's protocol, and a program that asks the API what its description promises, each in a virtual
# environment of its own.
if [ -n "${for_tests:-}" ]; then
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
fi
if [ "${#missing[@]}" -gt 0 ]; then
  say "installing ${missing[*]}"
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  if ! command -v apt-get >/dev/null; then
    say "this machine has no apt-get: install ${missing[*]} by hand, then start again" >&2
    exit 1
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive ${runlevel:+RUNLEVEL=$runlevel} apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

stamp=node_modules/.installed-from
if [ ! -x node_modules/.bin/node ] || ! cmp -s package-lock.json "$stamp"; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  # A newer npm runs no install script that it wasn't told of, an older one may have them switched off.
  [ -x node_modules/.bin/node ] && node_modules/.bin/node --version >/dev/null 2>&1 || npm rebuild node --loglevel=error
  cp package-lock.json "$stamp"
fi
export PATH="$PWD/node_modules/.bin:$PATH"
export NX_DAEMON=false NX_TUI=false

say "building"
nx run-many -t build --output-style=static >/tmp/waybill-build.$$ 2>&1 || { cat /tmp/waybill-build.$$; rm -f /tmp/waybill-build.$$; exit 1; }
rm -f /tmp/waybill-build.$$
