"""The parts of a pod template below its containers and volumes, for `template_table`. Pure.

Most of them are harmless wherever they stand; what reaches beyond the pod is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nago_orchestrator.executors.kubernetes.manifest.template_rules import (
    Among,
    Fields,
    Holding,
    Only,
    Part,
    Parts,
    Refused,
    Secret,
    Shape,
    Unless,
)

TEXT, TEXTS, NUMBER, FLAG, PORT = Shape.TEXT, Shape.TEXTS, Shape.NUMBER, Shape.FLAG, Shape.PORT
QUANTITY, QUANTITIES, LABELS = Shape.QUANTITY, Shape.QUANTITIES, Shape.LABELS
SECRET = Secret()

OTHER_HOST = Refused("makes the node send requests to another host")
OTHER_NAMESPACE = Refused("depends on pods of other namespaces or keeps them off nodes")
OTHER_VOLUME = Refused("takes over a volume that exists, with what others wrote to it")
NODE_PORT = Refused("opens a port of the node")
TOKEN = Refused("gives the pod an identity of its own towards the API server")
LABEL = Refused("claims a label of SELinux that restricted pods may not have")
SPREADS = Refused("is not known to be harmless")
UPWARDS = Unless(re.compile(r"/.*|(.*/)?\.\.(/.*)?"), "must be a folder inside the volume")
CONFINED_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")

PROFILE: Fields = {"type": Only(("RuntimeDefault", "Localhost"), needed=True), "localhostProfile": TEXT}
AFFINITY_OF_PODS: Fields = {
    "preferredDuringSchedulingIgnoredDuringExecution": Parts("WeightedPodAffinityTerm"),
    "requiredDuringSchedulingIgnoredDuringExecution": Parts("PodAffinityTerm"),
}
REQUIREMENT: Fields = {"key": TEXT, "operator": TEXT, "values": TEXTS}
NAMED: Fields = {"name": TEXT}
OPTIONAL: Fields = {"name": TEXT, "optional": FLAG}
SECRET_OPTIONAL: Fields = {"name": SECRET, "optional": FLAG}
FILES: Fields = {"defaultMode": NUMBER, "defaultUser": NUMBER, "items": Parts("KeyToPath"), "optional": FLAG}

PLACEMENT: Mapping[str, Fields] = {
    "Affinity": {
        "nodeAffinity": Part("NodeAffinity"),
        "podAffinity": Part("PodAffinity"),
        "podAntiAffinity": Part("PodAntiAffinity"),
    },
    "NodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": Parts("PreferredSchedulingTerm"),
        "requiredDuringSchedulingIgnoredDuringExecution": Part("NodeSelector"),
    },
    "PreferredSchedulingTerm": {"preference": Part("NodeSelectorTerm"), "weight": NUMBER},
    "NodeSelector": {"nodeSelectorTerms": Parts("NodeSelectorTerm")},
    "NodeSelectorTerm": {
        "matchExpressions": Parts("NodeSelectorRequirement"),
        "matchFields": Parts("NodeSelectorRequirement"),
    },
    "NodeSelectorRequirement": REQUIREMENT,
    "PodAffinity": AFFINITY_OF_PODS,
    "PodAntiAffinity": AFFINITY_OF_PODS,
    "WeightedPodAffinityTerm": {"podAffinityTerm": Part("PodAffinityTerm"), "weight": NUMBER},
    "PodAffinityTerm": {
        "labelSelector": Part("LabelSelector"),
        "matchLabelKeys": TEXTS,
        "mismatchLabelKeys": TEXTS,
        "namespaceSelector": OTHER_NAMESPACE,
        "namespaces": OTHER_NAMESPACE,
        "topologyKey": TEXT,
    },
    "LabelSelector": {"matchExpressions": Parts("LabelSelectorRequirement"), "matchLabels": LABELS},
    "LabelSelectorRequirement": REQUIREMENT,
    "Toleration": {"effect": TEXT, "key": TEXT, "operator": TEXT, "tolerationSeconds": NUMBER, "value": TEXT},
    "TopologySpreadConstraint": {
        "labelSelector": Part("LabelSelector"),
        "matchLabelKeys": TEXTS,
        "maxSkew": NUMBER,
        "minDomains": NUMBER,
        "nodeAffinityPolicy": TEXT,
        "nodeTaintsPolicy": TEXT,
        "topologyKey": TEXT,
        "whenUnsatisfiable": TEXT,
    },
    "PodOS": {"name": Only(("linux",))},
    "PodDNSConfig": {"nameservers": TEXTS, "options": Parts("PodDNSConfigOption"), "searches": TEXTS},
    "PodDNSConfigOption": {"name": TEXT, "value": TEXT},
    "HostAlias": {"hostnames": TEXTS, "ip": TEXT},
    "LocalObjectReference": NAMED,
    "PodResourceClaim": {"name": TEXT, "resourceClaimName": TEXT, "resourceClaimTemplateName": TEXT},
}
"""Where the pod runs, and under which names it finds others."""

CONTAINERS: Mapping[str, Fields] = {
    "EnvVar": {"name": TEXT, "value": TEXT, "valueFrom": Part("EnvVarSource")},
    "EnvVarSource": {
        "configMapKeyRef": Part("ConfigMapKeySelector"),
        "fieldRef": Part("ObjectFieldSelector"),
        "fileKeyRef": Part("FileKeySelector"),
        "resourceFieldRef": Part("ResourceFieldSelector"),
        "secretKeyRef": Part("SecretKeySelector"),
    },
    "ConfigMapKeySelector": {"key": TEXT, **OPTIONAL},
    "ObjectFieldSelector": {"apiVersion": TEXT, "fieldPath": TEXT},
    "FileKeySelector": {"key": TEXT, "optional": FLAG, "path": UPWARDS, "volumeName": TEXT},
    "ResourceFieldSelector": {"containerName": TEXT, "divisor": QUANTITY, "resource": TEXT},
    "SecretKeySelector": {"key": TEXT, **SECRET_OPTIONAL},
    "EnvFromSource": {
        "configMapRef": Part("ConfigMapEnvSource"),
        "prefix": TEXT,
        "secretRef": Part("SecretEnvSource"),
    },
    "ConfigMapEnvSource": OPTIONAL,
    "SecretEnvSource": SECRET_OPTIONAL,
    "Lifecycle": {
        "postStart": Part("LifecycleHandler"),
        "preStop": Part("LifecycleHandler"),
        "stopSignal": TEXT,
    },
    "LifecycleHandler": {
        "exec": Part("ExecAction"),
        "httpGet": Part("HTTPGetAction"),
        "sleep": Part("SleepAction"),
        "tcpSocket": Part("TCPSocketAction"),
    },
    "Probe": {
        "exec": Part("ExecAction"),
        "failureThreshold": NUMBER,
        "grpc": Part("GRPCAction"),
        "httpGet": Part("HTTPGetAction"),
        "initialDelaySeconds": NUMBER,
        "periodSeconds": NUMBER,
        "successThreshold": NUMBER,
        "tcpSocket": Part("TCPSocketAction"),
        "terminationGracePeriodSeconds": NUMBER,
        "timeoutSeconds": NUMBER,
    },
    "ExecAction": {"command": TEXTS},
    "HTTPGetAction": {
        "host": OTHER_HOST,
        "httpHeaders": Parts("HTTPHeader"),
        "path": TEXT,
        "port": PORT,
        "protocol": TEXT,
        "scheme": TEXT,
    },
    "HTTPHeader": {"name": TEXT, "value": TEXT},
    "SleepAction": {"seconds": NUMBER},
    "TCPSocketAction": {"host": OTHER_HOST, "port": PORT},
    "GRPCAction": {"mode": TEXT, "port": NUMBER, "service": TEXT},
    "ContainerPort": {
        "containerPort": NUMBER,
        "hostIP": NODE_PORT,
        "hostPort": NODE_PORT,
        "name": TEXT,
        "protocol": TEXT,
    },
    "ContainerResizePolicy": {"resourceName": TEXT, "restartPolicy": Only(("NotRequired",))},
    "ResourceRequirements": {"claims": Parts("ResourceClaim"), "limits": QUANTITIES, "requests": QUANTITIES},
    "ResourceClaim": {"name": TEXT, "request": TEXT},
    "AppArmorProfile": PROFILE,
    "SeccompProfile": PROFILE,
    "Capabilities": {"add": Among(("NET_BIND_SERVICE",)), "drop": Holding("ALL")},
    "SELinuxOptions": {"level": TEXT, "role": LABEL, "type": Only(CONFINED_TYPES), "user": LABEL},
    "VolumeMount": {
        "bindMountOptions": SPREADS,
        "mountPath": TEXT,
        "mountPropagation": Only(("None",)),
        "name": TEXT,
        "readOnly": FLAG,
        "recursiveReadOnly": TEXT,
        "subPath": UPWARDS,
        "subPathExpr": UPWARDS,
    },
}
"""What containers are given, and how they are asked whether they are well."""

VOLUMES: Mapping[str, Fields] = {
    "ConfigMapVolumeSource": {"name": TEXT, **FILES},
    "SecretVolumeSource": {"secretName": SECRET, **FILES},
    "KeyToPath": {"key": TEXT, "mode": NUMBER, "path": UPWARDS, "user": NUMBER},
    "CSIVolumeSource": {
        "driver": TEXT,
        "fsType": TEXT,
        "nodePublishSecretRef": Part("SecretReference"),
        "readOnly": FLAG,
        "volumeAttributes": LABELS,
    },
    "SecretReference": {"name": SECRET},
    "DownwardAPIVolumeSource": {
        "defaultMode": NUMBER,
        "defaultUser": NUMBER,
        "items": Parts("DownwardAPIVolumeFile"),
    },
    "DownwardAPIVolumeFile": {
        "fieldRef": Part("ObjectFieldSelector"),
        "mode": NUMBER,
        "path": UPWARDS,
        "resourceFieldRef": Part("ResourceFieldSelector"),
        "user": NUMBER,
    },
    "EmptyDirVolumeSource": {"medium": TEXT, "mode": NUMBER, "sizeLimit": QUANTITY},
    "EphemeralVolumeSource": {"volumeClaimTemplate": Part("PersistentVolumeClaimTemplate")},
    "PersistentVolumeClaimTemplate": {"metadata": Part("ObjectMeta"), "spec": Part("PersistentVolumeClaimSpec")},
    "PersistentVolumeClaimSpec": {
        "accessModes": TEXTS,
        "dataSource": OTHER_VOLUME,
        "dataSourceRef": OTHER_VOLUME,
        "resources": Part("VolumeResourceRequirements"),
        "selector": OTHER_VOLUME,
        "storageClassName": TEXT,
        "volumeAttributesClassName": TEXT,
        "volumeMode": Only(("Filesystem",)),
        "volumeName": OTHER_VOLUME,
    },
    "VolumeResourceRequirements": {"limits": QUANTITIES, "requests": QUANTITIES},
    "PersistentVolumeClaimVolumeSource": {"claimName": TEXT, "readOnly": FLAG},
    "ProjectedVolumeSource": {"defaultMode": NUMBER, "defaultUser": NUMBER, "sources": Parts("VolumeProjection")},
    "VolumeProjection": {
        "clusterTrustBundle": Part("ClusterTrustBundleProjection"),
        "configMap": Part("ConfigMapProjection"),
        "downwardAPI": Part("DownwardAPIProjection"),
        "podCertificate": TOKEN,
        "secret": Part("SecretProjection"),
        "serviceAccountToken": TOKEN,
    },
    "ClusterTrustBundleProjection": {
        "labelSelector": Part("LabelSelector"),
        "name": TEXT,
        "optional": FLAG,
        "path": UPWARDS,
        "signerName": TEXT,
        "user": NUMBER,
    },
    "ConfigMapProjection": {"items": Parts("KeyToPath"), **OPTIONAL},
    "DownwardAPIProjection": {"items": Parts("DownwardAPIVolumeFile")},
    "SecretProjection": {"items": Parts("KeyToPath"), **SECRET_OPTIONAL},
}
"""Volumes of the kinds that restricted pods may have."""

PARTS: Mapping[str, Fields] = {**PLACEMENT, **CONTAINERS, **VOLUMES}

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "ConfigMapKeySelector": ("name", "key"),
    "PersistentVolumeClaimVolumeSource": ("claimName",),
    "KeyToPath": ("key", "path"),
    "SecretEnvSource": ("name",),
    "SecretKeySelector": ("name", "key"),
    "SecretVolumeSource": ("secretName",),
    "VolumeMount": ("name",),
}
"""Without which a part says nothing. Only what is read on the way; the API server reports the others."""
