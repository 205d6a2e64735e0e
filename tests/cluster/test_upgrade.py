"""An upgrade in mid-study: the version before begins it, this one ends it; its trainers are of before throughout."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine, make_url, text

from nago_orchestrator.store.engine import connect
from tests.cluster.documents import Document, napping, small_study
from tests.cluster.installation import PASSWORD, Installation
from tests.cluster.kubectl import PATIENCE_SECONDS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
PACKAGES = Path(__file__).parents[1] / "stored" / "0.1.0" / "packages.zip"
NAME = "before"
"""Of the study, its database, the trainers' user there, and what their pods need."""
TRIALS, AT_ONCE = 3, 2
NAP_SECONDS = 40
"""While the trials of the first orchestrator sleep, it is killed, the schema upgraded, and the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    installation: Installation
    address: str
    engine: Engine
    packages: Path
    """Of the version before, unpacked."""

    def start(self, *arguments: str, packages: Path | None = None) -> subprocess.Popen[bytes]:
        """`nago-orch` on this machine, as an administrator would run it; of this version, or of `packages`."""
        environment = {
            **os.environ,
            "NAGO_DATABASE_URL": self.address,
            "KUBECONFIG": str(self.installation.kubectl.kubeconfig),
            **({} if packages is None else {"PYTHONPATH": str(packages)}),
        }
        command = [sys.executable, "-m", "nago_orchestrator", *arguments]
        return subprocess.Popen(command, env=environment, cwd=self.packages.parent)

    def run(self, *arguments: str, packages: Path | None = None) -> None:
        with self.start(*arguments, packages=packages) as process:
            try:
                assert process.wait(timeout=PATIENCE_SECONDS) == 0, arguments
            finally:
                process.kill()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]


def _statement(installation: Installation, sql: str, database: str) -> None:
    psql = ("psql", "--username", "nago", "--host", "/var/run/postgresql", "--quiet", "--dbname", database)
    installation.kubectl("exec", "nago-postgres-0", "--", *psql, "--command", sql)


@pytest.fixture
def site(installation: Installation, tmp_path: Path) -> Iterator[Site]:
    installation.wait_until_ready()
    packages = tmp_path / "packages"
    zipfile.ZipFile(PACKAGES).extractall(packages)
    _statement(installation, f"CREATE DATABASE {NAME}", "nago")
    with installation.forwarded("service/nago-postgres", 5432) as port, _trainer_of_before(installation):
        url = make_url(f"postgresql://nago:{PASSWORD}@127.0.0.1:{port}/{NAME}")
        address = url.render_as_string(hide_password=False)
        engine = connect(address)
        yield Site(installation=installation, address=address, engine=engine, packages=packages)
        engine.dispose()
    _statement(installation, f"DROP DATABASE {NAME}", "nago")
    _statement(installation, f"DROP ROLE IF EXISTS {NAME}", "nago")


@contextmanager
def _trainer_of_before(installation: Installation) -> Iterator[None]:
    """Its code, which pods find first, and the address with the login that all its trainers share."""
    address = f"postgresql://{NAME}:{PASSWORD}@nago-postgres:5432/{NAME}"
    code = base64.b64encode(_only(PACKAGES, "nago_trainer/")).decode()
    metadata = {"name": NAME}
    installation.kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {"trainer.zip": code}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": address}},
    )
    yield
    installation.kubectl("delete", f"configmap/{NAME}", f"secret/{NAME}")


def _only(archive: Path, folder: str) -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(archive) as given, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            if name.startswith(folder):
                made.writestr(name, given.read(name))
    return found.getvalue()


def _document(installation: Installation) -> Document:
    template = napping(NAP_SECONDS)["pod_template"]
    (container,) = template["spec"]["containers"]
    container |= {
        "env": [{"name": "PYTHONPATH", "value": f"/{NAME}/trainer.zip"}],
        "volumeMounts": [{"name": NAME, "mountPath": f"/{NAME}"}],
    }
    template["spec"]["volumes"] = [{"name": NAME, "configMap": {"name": NAME}}]
    kubernetes = {
        "namespace": installation.namespace,
        "gpu": {"count": 0},
        "database_secret": {"name": NAME, "key": "url"},
        "pod_template": template,
        "allow_unsafe_template": True,
    }
    search = {"algorithm": "random", "proposals": TRIALS}
    trainer = installation.images.trainer
    return small_study(NAME, trainer, search=search, fidelities=(2,), parallelism=AT_ONCE, kubernetes=kubernetes)


def test_trials_of_before_are_adopted_and_later_ones_run_on_its_trainers(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(_document(site.installation)))
    site.run("db", "upgrade", packages=site.packages)
    shared = f"CREATE ROLE {NAME} LOGIN PASSWORD '{PASSWORD}' IN ROLE nago_trainer"
    _statement(site.installation, shared, NAME)
    with site.start("submit", str(file), packages=site.packages) as first:
        try:
            _wait_until_in_flight(site, first)
        finally:
            first.kill()
    site.run("db", "upgrade")
    site.run("resume", NAME)
    site.run("replay", NAME, "--verify")
    assert site.rows("SELECT DISTINCT state FROM trial") == [("succeeded",)]
    attempts = site.rows("SELECT name, state, login IS NULL FROM attempt ORDER BY id")
    names = [f"{NAME}-t{number:05d}-a1" for number in range(TRIALS)]
    assert attempts == [(name, "succeeded", number < AT_ONCE) for number, name in enumerate(names)]
    assert site.rows("SELECT trial_id FROM result ORDER BY trial_id") == site.rows("SELECT id FROM trial ORDER BY id")


def _wait_until_in_flight(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(site.rows("SELECT FROM attempt WHERE uid IS NOT NULL")) < AT_ONCE:
        assert process.poll() is None, "the version before does not run here"
        assert time.monotonic() < deadline, "no trials are in flight"
        time.sleep(0.5)
