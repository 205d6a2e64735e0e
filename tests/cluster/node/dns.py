"""A DNS server for the test cluster: services by name, everything else from the machine's own resolver.

Started by up.sh, for no Debian package has one that reads services from the API server. Knows the A records of services
that have an address (NAME.NAMESPACE.svc.cluster.local).

    python3 dns.py ADDRESS API_SERVER CERTIFICATE TOKEN
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

_ZONE = "cluster.local"
_PORT = 53
_TTL_SECONDS = 2
_A, _ANY = 1, 255
_NO_ERROR, _NO_SUCH_NAME = 0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    name: str
    kind: int
    raw: bytes
    """The question as it came, repeated in the answer."""


def read_question(packet: bytes) -> Question:
    labels: list[str] = []
    position = 12
    while length := packet[position]:
        labels.append(packet[position + 1 : position + 1 + length].decode("ascii", "replace").lower())
        position += 1 + length
    (kind,) = struct.unpack_from("!H", packet, position + 1)
    return Question(name=".".join(labels), kind=kind, raw=packet[12 : position + 5])


def build_answer(packet: bytes, question: Question, *, code: int, address: str | None) -> bytes:
    """An authoritative answer with one A record at most."""
    identity = packet[:2]
    records = b""
    if address is not None:
        records = struct.pack("!HHHIH", 0xC00C, _A, 1, _TTL_SECONDS, 4) + socket.inet_aton(address)
    header = identity + struct.pack("!HHHHH", 0x8580 | code, 1, 1 if records else 0, 0, 0)
    return header + question.raw + records


class Services:
    """The addresses of services, asked from the API server at every question; while it is away, what it said last."""

    def __init__(self, server: str, certificate: str, token: str) -> None:
        self._server = server
        self._token = token
        self._trust = ssl.create_default_context(cafile=certificate)
        self._known: dict[str, str] = {}

    def address(self, name: str) -> str | None:
        """None for a name that is no service's."""
        parts = name.removesuffix(f".{_ZONE}").split(".")
        if len(parts) != 3 or parts[2] != "svc":
            return None
        url = f"{self._server}/api/v1/namespaces/{parts[1]}/services/{parts[0]}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})
        try:
            with urllib.request.urlopen(request, context=self._trust, timeout=5) as reply:
                found: str = json.load(reply)["spec"].get("clusterIP", "None")
        except urllib.error.HTTPError:
            return None
        except OSError:
            return self._known.get(name)
        if found in ("", "None"):
            return None
        self._known[name] = found
        return found


def outside(name: str) -> str | None:
    try:
        return socket.gethostbyname(name)
    except OSError:
        return None


def answer(packet: bytes, services: Services) -> bytes:
    question = read_question(packet)
    inside = question.name == _ZONE or question.name.endswith(f".{_ZONE}")
    address = services.address(question.name) if inside else outside(question.name)
    if address is None:
        return build_answer(packet, question, code=_NO_SUCH_NAME, address=None)
    asked = question.kind in (_A, _ANY)
    return build_answer(packet, question, code=_NO_ERROR, address=address if asked else None)


def serve(listen: str, services: Services) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((listen, _PORT))
        while True:
            packet, sender = server.recvfrom(4096)
            try:
                server.sendto(answer(packet, services), sender)
            except (IndexError, struct.error, UnicodeError) as error:
                sys.stderr.write(f"not a question from {sender[0]}: {error}\n")


if __name__ == "__main__":
    serve(sys.argv[1], Services(*sys.argv[2:5]))
