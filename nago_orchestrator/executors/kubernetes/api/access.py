"""Where the API server is and how to be let in: the kubernetes package's configuration, and its connections.

Of the package only this much is used. Requests and answers are plain JSON: its models cost time and memory, and
change with every release.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import urllib3
import yaml
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config

from nago_orchestrator.errors import InputError

CONNECTIONS = 16
"""At most kept open: one for each watch, and those of the requests."""
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
UNUSABLE = (ConfigException, OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError)
"""What the package raises for credentials that are not there, or a kubeconfig that is none."""
_KEEP_ALIVE = ((socket.SO_KEEPALIVE, 1),)
_KEEP_ALIVE_TCP = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class Access:
    """`configure` fills a configuration, and is asked again when the API server no longer knows us."""

    def __init__(self, configure: Callable[[Configuration], None], namespace: str, source: str = "") -> None:
        self.namespace = namespace
        """That is used where a study names none."""
        self.source = source
        """In words, where the address and the credentials are from."""
        self._configure = configure
        self.reload()

    def reload(self) -> None:
        """Read the credentials again. Raises InputError if there are none any more."""
        configuration = Configuration()
        configuration.connection_pool_maxsize = CONNECTIONS
        configuration.socket_options = _socket_options()
        try:
            self._configure(configuration)
        except UNUSABLE as error:
            raise _unusable(error) from error
        self._configuration = configuration
        self.pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
        self.host = str(configuration.host).rstrip("/")

    def headers(self) -> Mapping[str, str]:
        """With a token that is not older than the package allows: tokens rotate. Raises InputError if there is none."""
        headers = {"Accept": "application/json", "User-Agent": "nago-orch"}
        try:
            settings = self._configuration.auth_settings()
        except UNUSABLE as error:
            raise _unusable(error) from error
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:  # type: ignore[index]  # a dict of dicts, typed as one of several shapes
                headers[setting["key"]] = setting["value"]  # type: ignore[index]  # as above
        return headers


def find_access(context: str | None = None) -> Access:
    """By KUBECONFIG or ~/.kube/config, else the service account of the pod that this runs in.

    Raises InputError if there is neither, or no such context.
    """
    inside = "KUBERNETES_SERVICE_HOST" in os.environ and NAMESPACE_FILE.exists()
    if inside and context is None and "KUBECONFIG" not in os.environ:
        return Access(_configure_inside, NAMESPACE_FILE.read_text().strip(), "this pod's service account")

    def configure(configuration: Configuration) -> None:
        load_kube_config(context=context, client_configuration=configuration)  # type: ignore[no-untyped-call]  # not annotated

    try:
        contexts, active = list_kube_config_contexts()  # type: ignore[no-untyped-call]  # as above
    except UNUSABLE as error:
        raise InputError(
            f"no access to Kubernetes: {_first_line(error)}", do="set KUBECONFIG, or run where ~/.kube/config exists"
        ) from error
    chosen = active if context is None else next((found for found in contexts if found["name"] == context), None)
    if chosen is None:
        raise InputError(f"the kubeconfig has no context {context}")
    namespace = (chosen.get("context") or {}).get("namespace") or "default"
    return Access(configure, namespace, f"the kubeconfig's context {chosen['name']}")


def _configure_inside(configuration: Configuration) -> None:
    load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # as above


def _socket_options() -> list[tuple[int, int, int]]:
    """A connection to a peer that has disappeared fails after a minute."""
    options = list(urllib3.connection.HTTPConnection.default_socket_options)
    options += [(socket.SOL_SOCKET, option, value) for option, value in _KEEP_ALIVE]
    return options + [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEP_ALIVE_TCP if hasattr(socket, name)
    ]


def _unusable(error: Exception) -> InputError:
    return InputError(f"invalid access to Kubernetes: {_first_line(error)}", do="check the kubeconfig")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
