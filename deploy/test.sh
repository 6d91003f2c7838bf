#!/usr/bin/env bash
# `npm test`: everything, from lint to end-to-end on a real engine and a real broker. Arguments: kinds to run
# (lint typecheck docs unit contract simulation e2e chaos e2e-servers); without any, all but the last.
for_tests=yes
source "$(dirname "$0")/prepare.sh"

kinds=("$@")
[ "${#kinds[@]}" -gt 0 ] || kinds=(lint typecheck docs unit contract simulation e2e chaos)
failed=()
for kind in "${kinds[@]}"; do
  say "$kind"
  case "$kind" in
    lint) { nx run-many -t lint --output-style=static && eslint --max-warnings 0 deploy docs test; } || failed+=(lint) ;;
    typecheck) { nx run-many -t typecheck --output-style=static && tsc -p tsconfig.json; } || failed+=(typecheck) ;;
    docs) node docs/generate.ts --check || failed+=("$kind") ;;
    simulation) { npm run -s simulation && npm run -s simulate; } || failed+=("$kind") ;; # each guard is missed; 1,000 seeds with all of them
    e2e-servers) WAYBILL_TEST_STORES=servers npm run -s e2e || failed+=("$kind") ;; # EventStoreDB's and MongoDB's protocols
    unit | contract | e2e | chaos) npm run -s "$kind" || failed+=("$kind") ;;
    *) say "unknown kind of test: $kind" >&2; exit 2 ;;
  esac
done
if [ "${#failed[@]}" -gt 0 ]; then say "failed: ${failed[*]}"; exit 1; fi
say "all passed: ${kinds[*]}"
