#!/usr/bin/env bash
# `npm run bench`: measures the built product. Arguments name parts (all when none is given); `--scale 0.3` for a quick look.
for_tests=yes for_bench=yes
source "$(dirname "$0")/../../deploy/prepare.sh"
# Swarm would look for the image in a registry first, which its network namespace can't reach.
export DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1
exec node --experimental-transform-types --disable-warning=ExperimentalWarning test/bench/main.ts "$@"
