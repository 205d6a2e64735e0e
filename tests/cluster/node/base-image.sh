#!/usr/bin/env bash
# Make a Debian base image with Python 3.11, where python:3.11-slim cannot be pulled. Once; about a minute, 300 MB.
#
# Prints the image's name, for --build-arg BASE_IMAGE=...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
image=localhost/nago-base:bookworm
"$here/install.sh"
if ! buildah inspect --type image "$image" >/dev/null 2>&1; then
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" \
    "${NAGO_DEBIAN_MIRROR:-http://deb.debian.org}/debian" >&2
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  container=$(buildah from scratch)
  buildah add -q "$container" "$root" / >/dev/null
  buildah commit -q --rm "$container" "$image" >/dev/null
fi
echo "$image"
