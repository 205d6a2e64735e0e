"""What a study's pod template may set: a decision about every field that Kubernetes 1.37 knows there. Pure.

Kinds and fields are named as in the Kubernetes API. What is not here is refused, so a field passes only once somebody
has thought about it; a test compares the table with the models of Kubernetes' own package.

A field passes if it neither gives the pod more than the restricted Pod Security Standard does
(https://kubernetes.io/docs/concepts/security/pod-security-standards/) nor harms pods of others, nor changes what the
trainer runs, what it is told, or how its end is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.template_parts import PARTS
from nago_orchestrator.executors.kubernetes.manifest.template_rules import (
    AtLeast,
    Fields,
    Fixed,
    Only,
    Part,
    Parts,
    Refused,
    Shape,
    Unless,
)

TEXT, TEXTS, NUMBER, NUMBERS = Shape.TEXT, Shape.TEXTS, Shape.NUMBER, Shape.NUMBERS
FLAG, PORT, QUANTITY, QUANTITIES, LABELS = Shape.FLAG, Shape.PORT, Shape.QUANTITY, Shape.QUANTITIES, Shape.LABELS

NODE = Only((False,), "gives the pod access to its node")
IDENTITY = Refused("identifies the pod and is set by Kubernetes")
NETWORK_NAME = Refused("changes the pod's name in its network, which Kubernetes sets")
SCHEDULER = Refused("bypasses the scheduler")
BY_CLASS = Refused("is set by the priority class: use execution.kubernetes.priority_class")
ACCOUNT = Fixed(TEXT, "is set by execution.kubernetes.service_account")
RESTRICTED = Refused("is a kind of volume that restricted pods may not have")
RESTARTS = Refused("restarts a container inside its pod, and NAGO retries by new attempts")
RAW_DEVICE = Refused("gives the container a device without a file system")
WINDOWS = Refused("is for Windows, on which trainers do not run")
COMMAND = Fixed(TEXTS, "is what runs the trainer and must not change")
REPORT = Fixed(TEXT, "is where the trainer's report is read and must not change")
NO_ROOT = AtLeast(1, "must not be 0, which is root")
OF_KUBERNETES = Unless(re.compile(r"system-.*"), "is for parts of Kubernetes itself")

POD: Fields = {
    "activeDeadlineSeconds": Fixed(NUMBER, "is set by execution.kubernetes.deadline"),
    "affinity": Part("Affinity"),
    "automountServiceAccountToken": Fixed(FLAG, "would give the pod a service-account token and must not change"),
    "containers": Parts("Container", key="name", named={CONTAINER: "Trainer"}),
    "dnsConfig": Part("PodDNSConfig"),
    "dnsPolicy": Only(("ClusterFirst", "Default", "None")),
    "enableServiceLinks": Only((False,), "gives the trainer variables of every Service", needed=True),
    "ephemeralContainers": Refused("cannot be part of a template"),
    "evictionResponders": Refused("lets other programs delay the end of the pod"),
    "hostAliases": Parts("HostAlias", key="ip"),
    "hostIPC": NODE,
    "hostNetwork": NODE,
    "hostPID": NODE,
    "hostUsers": FLAG,
    "hostname": NETWORK_NAME,
    "hostnameOverride": NETWORK_NAME,
    "imagePullSecrets": Parts("LocalObjectReference", key="name"),
    "initContainers": Parts("InitContainer", key="name"),
    "nodeName": SCHEDULER,
    "nodeSelector": LABELS,
    "os": Part("PodOS"),
    "overhead": Refused("is set by the runtime class"),
    "preemptionPolicy": BY_CLASS,
    "priority": BY_CLASS,
    "priorityClassName": OF_KUBERNETES,
    "readinessGates": Refused("keeps the pod from ever being ready"),
    "resourceClaims": Parts("PodResourceClaim", key="name"),
    "resources": Part("ResourceRequirements"),
    "restartPolicy": Fixed(TEXT, "must not change: NAGO retries by new attempts"),
    "runtimeClassName": TEXT,
    "schedulerName": TEXT,
    "schedulingGates": Refused("holds the pod back until somebody removes it"),
    "schedulingGroup": Refused("makes the pod wait for others"),
    "securityContext": Part("PodSecurityContext", needed=True),
    "serviceAccount": ACCOUNT,
    "serviceAccountName": ACCOUNT,
    "setHostnameAsFQDN": Only((False,), NETWORK_NAME.why),
    "shareProcessNamespace": Only((False,), "shows the trainer's secrets to the other containers"),
    "subdomain": NETWORK_NAME,
    "terminationGracePeriodSeconds": AtLeast(1, "must be at least 1: the trainer saves its checkpoint in this time"),
    "tolerations": Parts("Toleration"),
    "topologySpreadConstraints": Parts("TopologySpreadConstraint", key="topologyKey"),
    "volumes": Parts("Volume", key="name"),
}

CONTAINER_FIELDS: Fields = {
    "args": TEXTS,
    "command": TEXTS,
    "env": Parts("EnvVar", key="name"),
    "envFrom": Parts("EnvFromSource"),
    "image": TEXT,
    "imagePullPolicy": Only(("Always", "IfNotPresent", "Never")),
    "lifecycle": Part("Lifecycle"),
    "livenessProbe": Part("Probe"),
    "name": TEXT,
    "ports": Parts("ContainerPort", key="containerPort"),
    "readinessProbe": Part("Probe"),
    "resizePolicy": Parts("ContainerResizePolicy"),
    "resources": Part("ResourceRequirements"),
    "restartPolicy": RESTARTS,
    "restartPolicyRules": RESTARTS,
    "securityContext": Part("SecurityContext", needed=True),
    "startupProbe": Part("Probe"),
    "stdin": FLAG,
    "stdinOnce": FLAG,
    "terminationMessagePath": TEXT,
    "terminationMessagePolicy": Only(("File", "FallbackToLogsOnError")),
    "tty": FLAG,
    "volumeDevices": RAW_DEVICE,
    "volumeMounts": Parts("VolumeMount", key="mountPath"),
    "workingDir": TEXT,
}

INIT_CONTAINER: Fields = {**CONTAINER_FIELDS, "restartPolicy": Only(("Always",))}  # which makes it a sidecar

TRAINER: Fields = {
    **CONTAINER_FIELDS,
    "args": COMMAND,
    "command": COMMAND,
    "envFrom": Refused("sets variables whose names are not in the template: list each under env"),
    "image": Fixed(TEXT, "is set by execution.kubernetes.image and must not change"),
    "lifecycle": Refused("uses up the time in which the trainer saves its checkpoint"),
    "securityContext": Part("TrainerSecurityContext", needed=True),
    "terminationMessagePath": REPORT,
    "terminationMessagePolicy": REPORT,
    "workingDir": Fixed(TEXT, "is where the trainer runs and must not change"),
}

SECURITY: Fields = {
    "allowPrivilegeEscalation": Only((False,), needed=True),
    "appArmorProfile": Part("AppArmorProfile"),
    "capabilities": Part("Capabilities", needed=True),
    "privileged": Only((False,), "gives the container its whole node"),
    "procMount": Only(("Default",)),
    "readOnlyRootFilesystem": FLAG,
    "runAsGroup": NUMBER,
    "runAsNonRoot": Only((True,)),
    "runAsUser": NO_ROOT,
    "seLinuxOptions": Part("SELinuxOptions"),
    "seccompProfile": Part("SeccompProfile"),
    "windowsOptions": WINDOWS,
}

POD_SECURITY: Fields = {
    "appArmorProfile": Part("AppArmorProfile"),
    "fsGroup": NUMBER,
    "fsGroupChangePolicy": Only(("OnRootMismatch", "Always")),
    "runAsGroup": NUMBER,
    "runAsNonRoot": Only((True,), needed=True),
    "runAsUser": NO_ROOT,
    "seLinuxChangePolicy": Only(("MountOption", "Recursive")),
    "seLinuxOptions": Part("SELinuxOptions"),
    "seccompProfile": Part("SeccompProfile", needed=True),
    "supplementalGroups": NUMBERS,
    "supplementalGroupsPolicy": Only(("Merge", "Strict")),
    "sysctls": Refused("changes the node's kernel"),
    "windowsOptions": WINDOWS,
}

VOLUME: Fields = {
    "name": TEXT,
    "configMap": Part("ConfigMapVolumeSource"),
    "csi": Part("CSIVolumeSource"),
    "downwardAPI": Part("DownwardAPIVolumeSource"),
    "emptyDir": Part("EmptyDirVolumeSource"),
    "ephemeral": Part("EphemeralVolumeSource"),
    "persistentVolumeClaim": Part("PersistentVolumeClaimVolumeSource"),
    "projected": Part("ProjectedVolumeSource"),
    "secret": Part("SecretVolumeSource"),
    **dict.fromkeys(("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc"), RESTRICTED),
    **dict.fromkeys(("flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "image", "iscsi"), RESTRICTED),
    **dict.fromkeys(("nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO"), RESTRICTED),
    **dict.fromkeys(("storageos", "vsphereVolume", "flexVolume"), RESTRICTED),
}  # fmt: skip  # a line of names each

METADATA: Fields = {
    "annotations": LABELS,
    "labels": LABELS,
    "finalizers": Refused("keeps the pod after its end until somebody removes it"),
    **dict.fromkeys(("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generateName"), IDENTITY),
    **dict.fromkeys(("generation", "managedFields", "name", "namespace", "ownerReferences"), IDENTITY),
    **dict.fromkeys(("resourceVersion", "selfLink", "uid"), IDENTITY),
}

TABLE: Mapping[str, Fields] = {
    "PodTemplateSpec": {"metadata": Part("ObjectMeta"), "spec": Part("PodSpec", needed=True)},
    "ObjectMeta": METADATA,
    "PodSpec": POD,
    "Container": CONTAINER_FIELDS,
    "InitContainer": INIT_CONTAINER,
    "Trainer": TRAINER,
    "SecurityContext": SECURITY,
    "TrainerSecurityContext": {**SECURITY, "readOnlyRootFilesystem": Only((True,), needed=True)},
    "PodSecurityContext": POD_SECURITY,
    "Volume": VOLUME,
    **PARTS,
}
"""By kind; `InitContainer` and the kinds that begin with `Trainer` are Kubernetes' own with other decisions."""
MERGE_KEYS: Mapping[str, str] = {
    name: rule.key for fields in TABLE.values() for name, rule in fields.items() if isinstance(rule, Parts) and rule.key
}
"""Lists of the pod template that are merged, and by which key of their items."""
