#!/usr/bin/env bash
# Have the node advertise GPUs, as a device plug-in would. Called by up.sh, and by tests that restart the kubelet.
#
#   gpus.sh [--dir DIR] N
set -euo pipefail

dir=${NAGO_CLUSTER_DIR:-/tmp/nago-cluster}
[ "${1-}" = --dir ] && { dir=$2; shift 2; }
gpus=$1
export KUBECONFIG=$dir/kubeconfig
server=$(kubectl config view --output jsonpath='{.clusters[0].cluster.server}')
token=$(cut -d, -f1 "$dir/pki/tokens.csv")

# kubectl before 1.24 cannot write a node's status. A kubelet that starts takes them away again: hence more than once.
advertise() {
  curl -sf --cacert "$dir/pki/ca.crt" -X PATCH -o /dev/null "$server/api/v1/nodes/node1/status" \
    -H "Authorization: Bearer $token" -H 'Content-Type: application/json-patch+json' \
    -d "[{\"op\": \"add\", \"path\": \"/status/capacity/nvidia.com~1gpu\", \"value\": \"$gpus\"}]"
}

offered() { kubectl get node node1 --output jsonpath='{.status.allocatable.nvidia\.com/gpu}' 2>/dev/null; }

for _ in $(seq 120); do
  [ "$(offered)" = "$gpus" ] && exit 0
  advertise || true
  sleep 0.5
done
echo "gpus.sh: the node does not advertise $gpus GPUs after 60 s" >&2
exit 1
