#!/usr/bin/env bash
# Install the Debian packages that the test cluster is made of; at once when they are there. Needs root.
#
# Called by build-kubernetes.sh, base-image.sh and up.sh.
set -euo pipefail

tools='etcd containerd runc conntrack iptables socat ipset ip buildah debootstrap openssl gcc go flock nsenter curl'
reflect2=/usr/share/gocode/src/github.com/modern-go/reflect2

installed() {
  local tool
  for tool in $tools; do command -v "$tool" >/dev/null || return 1; done
  [ -d "$reflect2" ] && [ -x /usr/lib/cni/bridge ]
}

installed && exit 0
[ "$(id -u)" = 0 ] || { echo "install.sh: the test cluster needs root: run as root, or set KUBECONFIG to a cluster of yours" >&2; exit 1; }

# etcd and containerd would each start a service of their own on installation; up.sh starts them by hand.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
{
  apt-get -o DPkg::Lock::Timeout=300 update -q
  apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends \
    golang-go gcc libc6-dev golang-github-modern-go-reflect2-dev etcd-server containerd runc containernetworking-plugins \
    iptables conntrack socat ipset iproute2 buildah debootstrap openssl ca-certificates util-linux curl
} >&2
