"""The section execution.kubernetes: what it accepts, completes and refuses, and the settings that come of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.settings import (
    ClaimMount,
    KubernetesSettings,
    SecretKey,
    settings_of,
)
from nago_orchestrator.spec import StudySpec, load_study_spec, parse_study_spec
from tests.located import located

STUDY = """
name: small
search: {algorithm: random, proposals: 3}
fidelities: [1]
trainer: {dataset: {name: digits}}
execution:
  where: kubernetes
"""
EXAMPLE = Path(__file__).parents[4] / "examples" / "cifar10-kubernetes.yaml"


def spec_with(section: str, execution: str = "") -> StudySpec:
    return parse_study_spec(f"{STUDY}  kubernetes: {section}\n{execution}", "study.yaml")


def settings_with(section: str) -> KubernetesSettings:
    found = spec_with(section).execution.kubernetes
    assert found is not None
    return settings_of(found)


def test_an_image_is_enough() -> None:
    settings = settings_with("{image: trainer}")
    assert settings.database_secret == SecretKey(name="nago-trainer-database", key="url")
    assert (settings.gpu_count, settings.gpu_resource, settings.memory) == (1, "nvidia.com/gpu", None)
    assert (settings.deadline, settings.wait_limits.image) == (timedelta(hours=6), timedelta(minutes=5))


def test_everything_reaches_the_settings() -> None:
    section = load_study_spec(EXAMPLE).execution.kubernetes
    assert section is not None
    settings = settings_of(section)
    assert settings.data == ClaimMount(claim="images", mount_path="/data")
    assert settings.checkpoints == ClaimMount(claim="checkpoints", mount_path="/checkpoints")
    assert settings.deadline == timedelta(hours=12)
    assert settings.tolerations[0]["effect"] == "NoSchedule"
    assert settings.pod_template["spec"]["topologySpreadConstraints"]
    assert (settings.memory, settings.priority_class) == ("16Gi", "batch-low")


def test_the_canonical_form_gives_the_same_study() -> None:
    spec = load_study_spec(EXAMPLE)
    assert StudySpec.from_canonical(spec.canonical()) == spec


def test_gpu_hours_are_counted_by_the_pods_gpus() -> None:
    assert spec_with("{image: trainer}").execution.gpus == 1
    assert spec_with("{image: trainer, gpu: {count: 0}}").execution.gpus == 0
    local = parse_study_spec(STUDY.replace("kubernetes", "local") + "  kubernetes: {image: trainer}", "study.yaml")
    assert local.execution.gpus == 0


def test_a_claim_in_place_of_a_resource() -> None:
    spec = spec_with("{image: trainer, gpu: {claim_template: half-gpu, share: 0.5}}", "  device: cuda\n")
    section = spec.execution.kubernetes
    assert section is not None
    assert settings_of(section).gpu_claim == {"resourceClaimTemplateName": "half-gpu"}
    assert (spec.execution.gpus, spec.execution.gpu_share) == (1, 0.5)


@pytest.mark.parametrize(
    ("gpu", "device", "sentence"),
    [
        ("{claim: a, claim_template: b}", "cuda", "gpu has both claim_template and claim .*: keep one"),
        ("{claim: a, count: 2}", "cuda", "gpu has claim and count 2 .*: remove count"),
        ("{claim: a, resource: amd.com/gpu}", "cuda", "gpu has claim and resource amd.com/gpu .*: keep one"),
        ("{claim: a}", "auto", "device auto, which would train unnoticed on a CPU .*: set device to cuda"),
        ("{claim: A_B}", "cuda", "gpu.claim must be the name of a Kubernetes object"),
        ("{share: 0}", "cuda", "gpu.share must be above 0"),
        ("{share: 1.5}", "cuda", "gpu.share must be at most 1"),
    ],
)
def test_claims_that_cannot_be_meant(gpu: str, device: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        spec_with(f"{{image: trainer, gpu: {gpu}}}", f"  device: {device}\n")


@pytest.mark.parametrize("quantity", ["500m", "4", "4.5", "16Gi", "1.5Gi", "2000M", "'12e9'", "100u", "17179869184"])
def test_quantities_are_kubernetes_own(quantity: str) -> None:
    assert settings_with(f"{{image: trainer, cpu: {quantity}}}").cpu == quantity.strip("'")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{}", "execution.kubernetes.image is missing"),
        ("{image: trainer, memory: 16GiB}", "memory must be a Kubernetes quantity: Kubernetes writes 16Gi"),
        (
            "{image: trainer, memory: lots}",
            "memory must be a Kubernetes quantity such as 500m, 4 or 16Gi, found 'lots'",
        ),
        ("{image: trainer, gpus: 1}", "unknown key execution.kubernetes.gpus: did you mean gpu"),
        ("{image: trainer, gpu: {resource: gpu}}", "gpu.resource must be a resource such as nvidia.com/gpu"),
        ("{image: trainer, gpu: {count: -1}}", "gpu.count must be at least 0"),
        ("{image: trainer, image_pull_policy: ifnotpresent}", "did you mean IfNotPresent"),
        ("{image: trainer, namespace: My_Space}", "namespace must be the name of a Kubernetes object"),
        ("{image: trainer, data: {claim: images, mount_path: data}}", "mount_path must be an absolute path"),
        ("{image: trainer, data: {mount_path: /data}}", "data.claim is missing"),
        (
            "{image: trainer, environment: {A: 1}}",
            "must have strings as values, and that of A is none: put it in quotes",
        ),
        ("{image: trainer, environment: {NAGO_TOKEN: x}}", "environment sets NAGO_TOKEN"),
        ("{image: trainer, environment: {NAGO_TERMINATION_LOG: /tmp/x}}", "environment sets NAGO_TERMINATION_LOG"),
        ("{image: trainer, environment: {'a b': x}}", "environment sets 'a b', which is no name of a variable"),
        ("{image: trainer, environment: [a]}", "environment must be a mapping of keys, found a list"),
        ("{image: trainer, tolerations: {key: a}}", "tolerations must be a list, found a mapping"),
        ("{image: trainer, tolerations: [spot]}", "tolerations must be a list of mappings"),
        ("{image: trainer, tolerations: [{taint: a}]}", "tolerations has the unknown key taint"),
        ("{image: trainer, tolerations: [{key: .nan}]}", "tolerations must have a string as key, found the number nan"),
        ("{image: trainer, tolerations: [{tolerationSeconds: x}]}", "must have an integer as tolerationSeconds"),
        ("{image: 'a b'}", "image must be the name of an image"),
        ("{image: " + 1000 * "a" + "}", "image must be the name of an image, of at most 512 characters"),
        ("{image: a, namespace: " + 300 * "a" + "}", "namespace must be the name of a Kubernetes object"),
        (
            "{image: a, data: {claim: c, mount_path: /x}, checkpoints: {claim: d, mount_path: /x/}}",
            "kubernetes mounts data and checkpoints at /x: give each a place of its own",
        ),
        (
            "{image: a, checkpoints: {claim: c, mount_path: /x}, prepared: {claim: d, mount_path: /x}}",
            "kubernetes mounts checkpoints and prepared at /x: give each a place of its own",
        ),
        ("{image: a, pod_template: {spec: {a: [.nan]}}}", "pod_template must have finite numbers, found nan"),
        ("{image: a, data: {claim: c, mount_path: /data/../etc}}", "must be a path without .., found '/data/../etc'"),
        ("{image: a, data: {claim: c, mount_path: /tmp/x}}", "must not lie in /tmp or /dev"),
        ("{image: a, data: {claim: c, sub_path: ../x}}", "sub_path must be a folder inside the volume, found '../x'"),
        ("{image: a, data: {claim: c, sub_path: /x}}", "sub_path must be a folder inside the volume"),
        ("{image: a, memory: 0}", "memory must be above 0"),
        ("{image: a, shared_memory: 0Gi}", "shared_memory must be above 0"),
        ("{image: trainer, pod_template: {containers: []}}", "pod_template has the unknown key containers"),
        ("{image: trainer, deadline: soon}", "deadline must be a duration"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_key(section: str, sentence: str) -> None:
    with pytest.raises(SpecError) as refusal:
        spec_with(section)
    assert sentence in located(refusal.value)
    assert refusal.value.where == "study.yaml, line 8"


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        ("", "without a section kubernetes"),
        (
            "  kubernetes: {image: trainer}\n  gpus: 2\n",
            r"gpus 2 and kubernetes.gpu.count 1 .*: remove gpus$",
        ),
        ("  kubernetes: {image: trainer, gpu: {count: 0}}\n  device: cuda\n", "kubernetes.gpu.count 0"),
    ],
)
def test_what_does_not_go_together_is_refused(execution: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        parse_study_spec(STUDY + execution, "study.yaml")
