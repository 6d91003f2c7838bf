#!/usr/bin/env bash
# `npm test`: everything, from lint to end-to-end on a real engine and a real broker. Arguments: kinds to run
# (lint typecheck unit contract e2e chaos docs), all when none is given.
for_tests=yes
source "$(dirname "$0")/prepare.sh"

kinds=("$@")
[ "${#kinds[@]}" -gt 0 ] || kinds=(lint typecheck docs unit contract e2e chaos)
failed=()
for kind in "${kinds[@]}"; do
  say "$kind"
  case "$kind" in
    lint | typecheck) nx run-many -t "$kind" --output-style=static || failed+=("$kind") ;;
    docs) node docs/generate.ts --check || failed+=("$kind") ;;
    unit | contract | e2e | chaos) npm run -s "$kind" || failed+=("$kind") ;;
    *) say "unknown kind of test: $kind" >&2; exit 2 ;;
  esac
done
if [ "${#failed[@]}" -gt 0 ]; then say "failed: ${failed[*]}"; exit 1; fi
say "all passed: ${kinds[*]}"
