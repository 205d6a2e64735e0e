"""The paper's search as it is shipped for a cluster: BOHB, then Bayesian optimisation of both objectives."""

from __future__ import annotations

import json
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from nago_orchestrator.domain.states import StudyState
from nago_trainer.network.saved_network import load_network
from tests.cluster.documents import SMALL_NODE, Document
from tests.cluster.installation import Installation
from tests.cluster.study import ClusterStudy

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
PROJECT = Path(__file__).parents[2]
SHIPPED = PROJECT / "k8s" / "base" / "studies" / "digits-paper.yaml"
OPERATIONS = PROJECT / "docs" / "operations.md"


def shipped(installation: Installation) -> Document:
    """The file that comes with the manifests, with this installation's image, on a small node; one batch of the model.

    Each proposal of the model is a fit of minutes on a slow machine, and another one when it is replayed.
    """
    document: Document = yaml.safe_load(SHIPPED.read_text())
    document["search"]["phases"][1] |= {"evaluations": 4}
    document["execution"]["kubernetes"] |= {"image": installation.images.trainer, **SMALL_NODE}
    return document


@pytest.fixture(scope="module")
def study(installation: Installation) -> ClusterStudy:
    """Completed."""
    installation.wait_until_ready()
    found = ClusterStudy(installation=installation, document=shipped(installation))
    found.submit()
    found.wait_until_completed()
    return found


def test_every_trial_is_counted_once_and_every_proposal_comes_out_the_same_again(study: ClusterStudy) -> None:
    study.check_counts()
    assert study.failures() == []


def test_the_second_phase_learns_from_the_first_at_one_fidelity(study: ClusterStudy) -> None:
    joined = "JOIN proposal ON proposal.study_id = study.id"
    rows = sorted(study.rows("proposal.*", joined), key=lambda row: row["number"])
    first, second = study.document["search"]["phases"]
    phases = [row["phase"] for row in rows]
    assert phases == sorted(phases)
    later = [row for row in rows if row["phase"] == max(phases)]
    assert len(later) == second["evaluations"]
    assert {row["fidelity"] for row in later} == {second["fidelity"]}
    assert {row["origin"] for row in later} == {"model"}, "the first phase has found enough for a model"
    assert all(row["notes"]["surrogate"]["objectives"] for row in later), "how each was made is recorded"
    assert {row["fidelity"] for row in rows if row["phase"] == min(phases)} == set(study.document["fidelities"])
    assert first["algorithm"] == "bohb"


def test_the_front_and_the_report_answer(study: ClusterStudy) -> None:
    ask = study.installation.orchestrator
    front: list[dict[str, Any]] = json.loads(ask("pareto", study.name, "-o", "json"))["points"]
    costs = sorted((row["objective_values"]["memory"], row["objective_values"]["error"]) for row in front)
    assert costs
    # Two generators may sample the same network: equal points do not dominate each other, and both are listed.
    assert all(before[1] > after[1] or before == after for before, after in pairwise(costs)), "none dominates another"
    page = ask("report", study.name, "-O", "-")
    assert "</html>" in page
    assert "hypervolume" in page.lower()


def test_the_best_generator_is_trained_in_full_and_its_network_fetched(study: ClusterStudy, tmp_path: Path) -> None:
    searched = len(study.trials())
    said = study.installation.orchestrator("train-best", study.name, "--best", "--networks", "1", "--detach")
    assert "1 new network of 1 generator" in said
    study.wait_until("it is over again", lambda: len(study.attempts()) > searched and _is_over(study))
    assert study.state == StudyState.COMPLETED
    (last,) = study.attempts()[searched:]
    study.wait_until_cleared()
    (result,) = study.rows("result.*", f"JOIN result ON result.attempt_id = {last['id']}")
    assert result["epochs"] == study.document["final_training"]["epochs"]
    _fetch(study.installation, result["network"], tmp_path / "network.pt")
    network = load_network(tmp_path / "network.pt")
    assert sum(found.numel() for found in network.parameters()) == result["parameters"]


def _is_over(study: ClusterStudy) -> bool:
    return study.state != StudyState.RUNNING


def _fetch(installation: Installation, path: str, where: Path) -> None:
    """As docs/operations.md says it."""
    section = OPERATIONS.read_text().split("## Fetch trained networks")[1]
    manifest = yaml.safe_load(textwrap.dedent(section.split("<<'END'\n")[1].split("    END\n")[0]))
    manifest["spec"]["containers"][0]["image"] = installation.images.trainer
    kubectl = installation.kubectl
    kubectl.apply(manifest)
    kubectl.wait("pod/networks", "Ready")
    kubectl("cp", f"networks:{path}", str(where))
    kubectl("delete", "pod", "networks")
