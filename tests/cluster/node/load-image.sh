#!/usr/bin/env bash
# Hand images of buildah's store to the cluster's containerd: there is no registry to pull from.
#
#   load-image.sh [--dir DIR] IMAGE...        e.g. load-image.sh localhost/nago-trainer:test
set -euo pipefail

dir=${NAGO_CLUSTER_DIR:-/tmp/nago-cluster}
[ "${1-}" = --dir ] && { dir=$2; shift 2; }
archive=$(mktemp -d)
trap 'rm -rf "$archive"' EXIT
for image in "$@"; do
  buildah push -q "$image" "docker-archive:$archive/image.tar:$image"
  ctr -a "$dir/run/containerd.sock" -n k8s.io images import "$archive/image.tar" >/dev/null
  rm -f "$archive/image.tar"
done
