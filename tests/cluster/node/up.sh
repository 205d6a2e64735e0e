#!/usr/bin/env bash
# Start a Kubernetes of one node on this machine, without Docker: etcd, API server, controller manager, scheduler, and
# (unless --control-plane) kubelet, kube-proxy, containerd and a DNS server. Prints the path of its kubeconfig.
#
#   up.sh [--control-plane] [--gpus N] [--dir DIR]
#
#   --control-plane  no node: pods stay pending; enough for the API, rights and the Job controller
#   --gpus N         the node advertises N nvidia.com/gpu: the scheduling is real, the GPUs are not
#   --dir DIR        where state, logs, process ids and kubeconfig go (NAGO_CLUSTER_DIR, /tmp/nago-cluster)
#
# 5 s, with a node 20 s, once build-kubernetes.sh has filled its cache. One cluster per machine at a time. Needs root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${NAGO_CLUSTER_DIR:-/tmp/nago-cluster} node=yes gpus=0
while [ $# -gt 0 ]; do
  case $1 in
    --control-plane) node=no ;;
    --gpus) gpus=$2; shift ;;
    --dir) dir=$2; shift ;;
    *) echo "up.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done

command -v kubectl >/dev/null || { echo 'up.sh: kubectl 1.22 or newer is needed on the path' >&2; exit 1; }
bin=$("$here/build-kubernetes.sh")
"$here/install.sh"
port=${NAGO_CLUSTER_PORT:-16443} etcd_port=${NAGO_CLUSTER_ETCD_PORT:-12379}
server=https://127.0.0.1:$port
pods=10.88.0.0/16 gateway=10.88.0.1 services=10.96.0.0/16 first_service=10.96.0.1 bridge=nago0
export KUBECONFIG=$dir/kubeconfig

# Runs a program in the background, with its log and its process id in the folders of those names.
start() {
  local name=$1
  shift
  setsid nohup "$@" > "$dir/logs/$name.log" 2>&1 < /dev/null 9>&- &
  echo $! > "$dir/pids/$name"
}

wait_for() {
  local what=$1 seconds=$2
  shift 2
  for _ in $(seq $((seconds * 4))); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.25
  done
  echo "up.sh: $what is not ready after $seconds s; see $dir/logs" >&2
  exit 1
}

make_certificates() {
  cd "$dir/pki"
  [ -f sa.key ] && return
  {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=nago-test-ca -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout apiserver.key -out apiserver.csr
    printf 'subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:%s,IP:%s' \
      "$first_service" "$gateway" > apiserver.names
    openssl x509 -req -in apiserver.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out apiserver.crt -extfile apiserver.names
    openssl genrsa -out sa.key 2048
  } 2>/dev/null
  (umask 077 && echo "$(openssl rand -hex 16),admin,admin,system:masters" > tokens.csv)
}

write_kubeconfig() {
  token=$(cut -d, -f1 "$dir/pki/tokens.csv")
  (umask 077 && : > "$KUBECONFIG")
  cat > "$KUBECONFIG" <<END
apiVersion: v1
kind: Config
current-context: nago-test
clusters: [{name: nago-test, cluster: {server: "$server", certificate-authority: $dir/pki/ca.crt}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: nago-test, context: {cluster: nago-test, user: admin}}]
END
}

start_control_plane() {
  local pki=$dir/pki etcd=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$((etcd_port + 1))
  start etcd etcd --data-dir "$dir/etcd" --unsafe-no-fsync --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers "$etcd" --secure-port "$port" \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --token-auth-file "$pki/tokens.csv" \
    --authorization-mode Node,RBAC --service-cluster-ip-range "$services" --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/sa.key" \
    --service-account-signing-key-file "$pki/sa.key" --feature-gates TTLAfterFinished=true
  wait_for 'the API server' 60 kubectl get --raw /readyz
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig "$KUBECONFIG" --leader-elect=false \
    --service-account-private-key-file "$pki/sa.key" --root-ca-file "$pki/ca.crt" --use-service-account-credentials \
    --node-monitor-grace-period 20s --pod-eviction-timeout 10s --feature-gates TTLAfterFinished=true
  wait_for 'the default service account' 30 kubectl get serviceaccount default
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig "$KUBECONFIG" --leader-elect=false
}

# The container that holds a pod's namespaces: a static program that waits.
make_pause_image() {
  local image=$1 source=$dir/pause
  buildah inspect --type image "$image" >/dev/null 2>&1 && return
  mkdir -p "$source"
  cat > "$source/pause.c" <<'END'
#include <signal.h>
#include <unistd.h>
static void stop(int signal) { (void)signal; _exit(0); }
int main(void) { signal(SIGTERM, stop); signal(SIGINT, stop); for (;;) pause(); }
END
  gcc -static -Os -o "$source/pause" "$source/pause.c"
  printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' > "$source/Dockerfile"
  buildah build --isolation chroot -q -t "$image" -f "$source/Dockerfile" "$source" >/dev/null
}

# The node's address is that of the pods' bridge, so that the kubelet, which asks nobody for a password, is only heard inside.
make_bridge() {
  ip link show "$bridge" >/dev/null 2>&1 && return
  ip link add "$bridge" type bridge
  ip address add "$gateway/16" dev "$bridge"
  ip link set "$bridge" up
}

start_containerd() {
  local pause=localhost/nago-pause:1
  containerd config default | sed \
    -e "s#/var/lib/containerd#$dir/containerd#; s#/run/containerd#$dir/run#g" \
    -e "s#sandbox_image = .*#sandbox_image = \"$pause\"#" \
    -e "s#bin_dir = .*#bin_dir = \"/usr/lib/cni\"#; s#conf_dir = \"/etc/cni/net.d\"#conf_dir = \"$dir/cni\"#" \
    -e 's#restrict_oom_score_adj = false#restrict_oom_score_adj = true#; s#disable_apparmor = false#disable_apparmor = true#' \
    > "$dir/containerd.toml"
  cat > "$dir/cni/10-bridge.conflist" <<END
{"cniVersion": "0.4.0", "name": "nago-test", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
  start containerd containerd -c "$dir/containerd.toml"
  wait_for containerd 20 ctr -a "$dir/run/containerd.sock" version
  make_pause_image "$pause"
  "$here/load-image.sh" --dir "$dir" "$pause"
}

start_node() {
  make_bridge
  start_containerd
  cat > "$dir/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: $gateway
healthzPort: 0
cgroupDriver: cgroupfs
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$gateway]
evictionHard: {memory.available: 100Mi, nodefs.available: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100 # never: what is removed from a node without a registry cannot be pulled again
nodeStatusUpdateFrequency: 4s
volumeStatsAggPeriod: 5s # or a volume that is too full is seen after one to two minutes, when its trial may be over
END
  start kubelet "$bin/kubelet" --kubeconfig "$KUBECONFIG" --config "$dir/kubelet.yaml" --root-dir "$dir/kubelet" \
    --cert-dir "$dir/pki/kubelet" --hostname-override node1 --node-ip "$gateway" --container-runtime remote \
    --container-runtime-endpoint "unix://$dir/run/containerd.sock"
  start kube-proxy "$bin/kube-proxy" --kubeconfig "$KUBECONFIG" --hostname-override node1 --cluster-cidr "$pods" \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
  start dns python3 "$here/dns.py" "$gateway" "$server" "$dir/pki/ca.crt" "$token"
  wait_for 'the node' 60 kubectl wait --for condition=Ready --timeout 1s node/node1
  [ "$gpus" = 0 ] || "$here/gpus.sh" --dir "$dir" "$gpus"
}

"$here/down.sh" --dir "$dir"
rm -rf "$dir/etcd" "$dir/logs" "$dir/pids"
mkdir -p "$dir"/{pki,logs,pids,cni}
make_certificates
write_kubeconfig
start_control_plane
[ "$node" = no ] || start_node
echo "$KUBECONFIG"
