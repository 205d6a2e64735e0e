#!/usr/bin/env bash
# `buildah build` with the pip settings of this machine's environment: PIP_CERT, PIP_INDEX_URL, PIP_FIND_LINKS.
#
# They reach the build from outside, as mounts, so that the Dockerfile and the image know nothing of them.
#
#   build-image.sh --target trainer --tag localhost/nago-trainer:test --build-arg BASE_IMAGE=... FOLDER
set -euo pipefail

settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
echo '[global]' > "$settings"
mounts=()

setting() { printf '%s = %s\n' "$1" "$2" >> "$settings"; }
mount_in() { mounts+=(--volume "$1:$1:ro"); }

setting timeout "${PIP_DEFAULT_TIMEOUT:-60}"
if [ -n "${PIP_CERT-}" ]; then setting cert "$PIP_CERT" && mount_in "$PIP_CERT"; fi
if [ -n "${PIP_INDEX_URL-}" ]; then setting index-url "$PIP_INDEX_URL"; fi
if [ -d "${PIP_FIND_LINKS-}" ]; then setting find-links "$PIP_FIND_LINKS" && mount_in "$PIP_FIND_LINKS"; fi
nice -n 10 buildah build --isolation chroot --layers "${mounts[@]}" --volume "$settings:/etc/pip.conf:ro" "$@"
