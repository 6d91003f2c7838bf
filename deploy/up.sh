#!/usr/bin/env bash
# `npm run up`: from a fresh clone to a running Waybill with a demo service.
source "$(dirname "$0")/prepare.sh"
exec node deploy/up.ts "$@"
