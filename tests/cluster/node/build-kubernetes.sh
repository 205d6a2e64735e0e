#!/usr/bin/env bash
# Build Kubernetes from Debian's source package, once: 4 to 7 minutes on two cores, at once afterwards.
#
# The binaries stand in $NAGO_CLUSTER_CACHE (default ~/.cache/nago-cluster); prints the folder that holds them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NAGO_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nago-cluster}
mirror=${NAGO_DEBIAN_MIRROR:-http://deb.debian.org}
upstream=1.20.2
package="kubernetes=1.20.5+really$upstream-1.1+deb12u1"
bin=$cache/bin-$upstream
work=$cache/build
tree=$work/gopath/src/k8s.io/kubernetes
components='kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet'

complete() {
  local name
  for name in $components; do [ -x "$bin/$name" ] || return 1; done
}

# Source packages need deb-src lines; they are kept beside the machine's own lists, which stay as they are.
fetch_source() {
  local apt=$work/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  cat > "$apt/debian.sources" <<END
Types: deb-src
URIs: $mirror/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: $mirror/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  local options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -q
  (cd "$work" && apt-get "${options[@]}" source -q --download-only "$package")
  mkdir -p "$tree"
  tar xzf "$work"/kubernetes_*.orig.tar.gz -C "$tree" --strip-components 1
}

# The vendored reflect2 1.0.1 crashes when it walks a map under Go 1.18 or later; Debian's own package does not.
mend_reflect2() {
  rm -rf vendor/github.com/modern-go/reflect2
  cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/
}

# The API server needs its OpenAPI definitions, which the source package leaves out.
generate_openapi() {
  go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  local packages
  packages=$({
    grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd | sed 's|^|k8s.io/kubernetes/|'
    # staging/ is linked into vendor/: grep has to follow the links.
    (cd vendor/k8s.io && grep -Rl --include='*.go' '+k8s:openapi-gen=' .) | sed 's|^\./|k8s.io/kubernetes/vendor/k8s.io/|'
  } | grep -vE 'code-generator|sample-apiserver|_test\.go|/kube-openapi/' | xargs -n1 dirname | LC_ALL=C sort -u | paste -sd,)
  "$work/openapi-gen" --logtostderr -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations.txt" 2>/dev/null
}

build() {
  export GOPATH=$work/gopath GOCACHE=$work/go-cache GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=1
  cd "$tree"
  mend_reflect2
  generate_openapi
  local key=k8s.io/kubernetes/vendor/k8s.io/component-base/version targets=() name
  for name in $components; do targets+=("./cmd/$name"); done
  mkdir -p "$work/bin" "$bin"
  go build -o "$work/bin/" -ldflags "-s -w -X $key.gitVersion=v$upstream -X $key.gitMajor=1 -X $key.gitMinor=20" "${targets[@]}"
  for name in $components; do mv "$work/bin/$name" "$bin/$name"; done
}

mkdir -p "$cache"
exec 9> "$cache/lock" && flock 9
if ! complete; then
  "$here/install.sh"
  rm -rf "$work" && mkdir -p "$work"
  renice -n 10 -p $$ >/dev/null 2>&1 || true
  { fetch_source; build; } >&2
  rm -rf "$work"
fi
echo "$bin"
