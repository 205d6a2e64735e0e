"""A Kubernetes without nodes, in a folder and on ports of its own: etcd, an API server, and what a Job needs.

The programs are those of the test cluster (tests/cluster/node), which builds them once.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3
import yaml

from benchmarks.jobs.api import Api, ApiRefusalError

NODE_SCRIPTS = Path(__file__).parents[2] / "tests" / "cluster" / "node"
NAMESPACE = "default"
USERS = ("admin", "nago-orch", "kubelet", "bare")
"""Each with all rights and a token of its own: the audit log tells their requests apart."""
AUDITED = ("nago-orch", "bare")
CONTROLLERS = "job,garbagecollector,serviceaccount,serviceaccount-token"
CONTROLLER_RATE = 500
"""Requests a second that the controllers may send: they are not what is measured."""
START_SECONDS = 60.0
CERTIFICATES = """
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=benchmark -keyout ca.key -out ca.crt
openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout api.key -out api.csr
echo subjectAltName=IP:127.0.0.1 > names
openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out api.crt -extfile names
openssl genrsa -out accounts.key 2048
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    folder: Path
    address: str
    tokens: Mapping[str, str]
    """By user."""

    @property
    def authority(self) -> Path:
        """The certificate that signed the API server's."""
        return self.folder / "ca.crt"

    def api(self, user: str) -> Api:
        return Api(self.address, self.tokens[user], self.authority)

    def kubeconfig(self, user: str) -> Path:
        return self.folder / f"kubeconfig-{user}"

    def put_secret(self, name: str, **values: str) -> None:
        secrets_ = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        with suppress(ApiRefusalError):
            self.api("admin").delete(f"{secrets_}/{name}", {})
        self.api("admin").post(secrets_, {"metadata": {"name": name}, "stringData": values})

    def requests_of(self, user: str) -> int:
        """How many the API server has answered so far."""
        with (self.folder / "audit.log").open(encoding="utf-8") as lines:
            return sum(f'"username":"{user}"' in line for line in lines)


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Runs while the context is open. Raises RuntimeError with the log of what did not start."""
    etcd, peer, port = _free_ports(3)
    plane = ControlPlane(
        folder=folder,
        address=f"https://127.0.0.1:{port}",
        tokens={user: secrets.token_hex(16) for user in USERS},
    )
    binaries = _binaries()
    _write_files(plane)
    with ExitStack() as programs:
        programs.enter_context(running(folder / "etcd.log", _etcd(folder, etcd, peer)))
        log = folder / "kube-apiserver.log"
        programs.enter_context(running(log, [str(binaries / "kube-apiserver"), *_api_server(folder, etcd, port)]))
        _wait(lambda: plane.api("admin").get("/readyz"), log)
        log = folder / "kube-controller-manager.log"
        programs.enter_context(running(log, [str(binaries / "kube-controller-manager"), *_controllers(plane)]))
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
        _wait(lambda: plane.api("admin").get(account)["secrets"], log)
        yield plane


@contextmanager
def running(log: Path, command: list[str], **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A program with what it prints in a file; gone at the end of the context."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **settings)  # type: ignore[call-overload]  # the caller's
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _binaries() -> Path:
    found = subprocess.run([NODE_SCRIPTS / "build-kubernetes.sh"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(found.stdout.strip().splitlines()[-1])


def _etcd(folder: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    options = {
        "data-dir": folder / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "unsafe-no-fsync": "true",
    }
    return ["etcd", *_flags(options)]


def _api_server(folder: Path, etcd_port: int, port: int) -> list[str]:
    return _flags(
        {
            "etcd-servers": f"http://127.0.0.1:{etcd_port}",
            "bind-address": "127.0.0.1",
            "secure-port": port,
            "tls-cert-file": folder / "api.crt",
            "tls-private-key-file": folder / "api.key",
            "token-auth-file": folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": folder / "accounts.key",
            "service-account-signing-key-file": folder / "accounts.key",
            "feature-gates": "TTLAfterFinished=true",
            "audit-policy-file": folder / "audit.yaml",
            "audit-log-path": folder / "audit.log",
            "max-requests-inflight": 3000,
            "max-mutating-requests-inflight": 1000,
        }
    )


def _controllers(plane: ControlPlane) -> list[str]:
    return _flags(
        {
            "kubeconfig": plane.kubeconfig("admin"),
            "leader-elect": "false",
            "controllers": CONTROLLERS,
            "service-account-private-key-file": plane.folder / "accounts.key",
            "root-ca-file": plane.authority,
            "kube-api-qps": CONTROLLER_RATE,
            "kube-api-burst": CONTROLLER_RATE,
            "port": 0,
            "secure-port": 0,
        }
    )


def _flags(options: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]


def _write_files(plane: ControlPlane) -> None:
    folder = plane.folder
    subprocess.run(["sh", "-ec", CERTIFICATES], cwd=folder, check=True, capture_output=True)
    lines = [f"{token},{user},{user},system:masters" for user, token in plane.tokens.items()]
    (folder / "tokens.csv").write_text("\n".join(lines) + "\n")
    for user, token in plane.tokens.items():
        plane.kubeconfig(user).write_text(yaml.safe_dump(_kubeconfig(plane, user, token)))
    rules = [{"level": "Metadata", "users": list(AUDITED)}, {"level": "None"}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
    (folder / "audit.yaml").write_text(yaml.safe_dump(policy))
    (folder / "audit.log").touch()


def _kubeconfig(plane: ControlPlane, user: str, token: str) -> dict[str, object]:
    cluster = {"server": plane.address, "certificate-authority": str(plane.authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "benchmark",
        "clusters": [{"name": "benchmark", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "benchmark", "context": {"cluster": "benchmark", "user": user, "namespace": NAMESPACE}}],
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _wait(ready: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
        except (ApiRefusalError, urllib3.exceptions.HTTPError, KeyError) as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{log.stem} did not start: {log.read_text()[-2000:]}") from error
            time.sleep(0.2)
        else:
            return
