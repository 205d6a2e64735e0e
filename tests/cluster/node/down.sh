#!/usr/bin/env bash
# Stop the cluster that up.sh started, by the process ids that it wrote; nothing else.
#
#   down.sh [--dir DIR]
set -uo pipefail

dir=${NAGO_CLUSTER_DIR:-/tmp/nago-cluster}
[ "${1-}" = --dir ] && dir=$2
socket=$dir/run/containerd.sock

# The number may have passed to another process since; it is ours only while its command line names our folder.
ours() { tr '\0' ' ' < "/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$dir/"; }

stop() {
  local file=$dir/pids/$1 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file")
  rm -f "$file"
  ours "$pid" || return 0
  kill "$pid" 2>/dev/null
  for _ in $(seq 30); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null
}

stop_containers() {
  local containers=(ctr -a "$socket" -n k8s.io) id
  for id in $("${containers[@]}" tasks ls -q 2>/dev/null); do "${containers[@]}" tasks kill -s SIGKILL "$id" 2>/dev/null; done
  sleep 0.5
  for id in $("${containers[@]}" tasks ls -q 2>/dev/null); do "${containers[@]}" tasks rm -f "$id" >/dev/null 2>&1; done
  for id in $("${containers[@]}" containers ls -q 2>/dev/null); do "${containers[@]}" containers rm "$id" 2>/dev/null; done
}

stop kubelet
[ -S "$socket" ] && [ -f "$dir/pids/containerd" ] && stop_containers
for name in dns kube-proxy kube-scheduler kube-controller-manager kube-apiserver containerd etcd; do stop "$name"; done
# What the pods had mounted.
grep -oE " $dir/(kubelet|run|containerd)[^ ]*" /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null; done
ip link delete nago0 2>/dev/null
exit 0
