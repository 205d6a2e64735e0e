"""The values of the section `execution.kubernetes`: each has one form, and one sentence for what has not.

Words that are Kubernetes' own keep its forms: quantities such as 16Gi, tolerations and the pod template.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.spec.scalars import describe, format_number, read_text, wrong
from nago_orchestrator.spec.section import is_study_file
from nago_trainer.contract.attempt_files import (
    ATTEMPT_VARIABLE,
    CHECKPOINTS_VARIABLE,
    DATABASE_VARIABLE,
    SCRATCH_VARIABLE,
    TERMINATION_LOG_VARIABLE,
    TOKEN_VARIABLE,
    TRIAL_VARIABLE,
)
from nago_trainer.contract.data_check import QUESTION_VARIABLE

TOLERATION_KEYS = frozenset({"key", "operator", "value", "effect", "tolerationSeconds"})
OWN_VARIABLES = frozenset(
    {
        ATTEMPT_VARIABLE,
        TRIAL_VARIABLE,
        TOKEN_VARIABLE,
        DATABASE_VARIABLE,
        SCRATCH_VARIABLE,
        CHECKPOINTS_VARIABLE,
        QUESTION_VARIABLE,
        "HOME",
    }
)
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?")
"""The form alone: what a quantity amounts to is read with Kubernetes' own package, which a study file does not need."""
_NOTHING = re.compile(r"0*(\.0*)?[a-zA-Z]*")
_IMAGE = re.compile(r"[^\s\x00-\x20\x7f]{1,512}")
OWN_FOLDERS = ("/tmp", "/dev")
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_RESOURCE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _matching(pattern: re.Pattern[str], form: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = read_text(value)
        if pattern.fullmatch(text) is None:
            raise wrong(f"must be {form}, found '{text}'")
        return text

    return read


def _read_quantity(value: Any) -> str:
    text = _shortest(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else read_text(value)
    if _QUANTITY.fullmatch(text) is None:
        meant = re.fullmatch(r"([0-9.]+)\s*([KMGT]i?)B", text)
        hint = f": Kubernetes writes {meant[1]}{meant[2]}" if meant else " such as 500m, 4 or 16Gi"
        raise wrong(f"must be a Kubernetes quantity{hint}, found '{text}'")
    return text


def _shortest(number: float) -> str:
    """Without losing a digit: 2 for 2.0, and 17179869184 as it is."""
    short = f"{number:g}"
    return short if float(short) == number else str(number)


def _read_path(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if not text.startswith("/") or ":" in text or text == "/":
        raise wrong(f"must be an absolute path in the container, found '{text}'")
    if is_study_file(info):
        path = PurePosixPath(text)
        if ".." in path.parts:
            raise wrong(f"must be a path without .., found '{text}'")
        if any(path.is_relative_to(own) for own in OWN_FOLDERS):
            raise wrong(f"must not lie in {' or '.join(OWN_FOLDERS)}, which trainers write to, found '{text}'")
    return text


def _read_sub_path(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if is_study_file(info) and (text.startswith("/") or ".." in PurePosixPath(text).parts):
        raise wrong(f"must be a folder inside the volume, found '{text}'")
    return text


def _read_image(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if is_study_file(info) and _IMAGE.fullmatch(text) is None:
        raise wrong("must be the name of an image, of at most 512 characters and without spaces")
    return text


def _check_memory(value: str, info: ValidationInfo) -> str:
    if is_study_file(info) and _NOTHING.fullmatch(value):
        raise wrong("must be above 0, which to Kubernetes means without limit")
    return value


def _refuse_endless(value: Any) -> None:
    """What Kubernetes gets is JSON, which has no number for it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(f"must have finite numbers, found {format_number(value)}")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_endless(item)


def _check_texts(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(f"must be a mapping of keys, found {describe(value)}")
    for key, item in value.items():
        if not isinstance(item, str):
            raise wrong(f"must have strings as values, and that of {key} is none", do="put it in quotes")
    return value


def _check_environment(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    for name in value:
        if _VARIABLE.fullmatch(name) is None:
            raise wrong(f"sets '{name}', which is no name of a variable")
        if name in OWN_VARIABLES or (is_study_file(info) and name == TERMINATION_LOG_VARIABLE):
            raise wrong(f"sets {name}, which NAGO sets itself")
    return value


def _read_tolerations(value: Any, info: ValidationInfo) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, (list, tuple)):
        raise wrong(f"must be a list, found {describe(value)}")
    for toleration in value:
        if not isinstance(toleration, dict):
            raise wrong(f"must be a list of mappings, found {describe(toleration)} in it")
        for key in toleration.keys() - TOLERATION_KEYS:
            raise wrong(f"has the unknown key {key}", do=suggestion(key, sorted(TOLERATION_KEYS)))
        if is_study_file(info):
            _check_toleration(toleration)
    return tuple(value)


def _check_toleration(toleration: dict[str, Any]) -> None:
    for key, item in toleration.items():
        kind, found = (int, "an integer") if key == "tolerationSeconds" else (str, "a string")
        if not isinstance(item, kind) or isinstance(item, bool):
            raise wrong(f"must have {found} as {key}, found {describe(item)}")


def _read_template(value: Any, info: ValidationInfo) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(f"must be a mapping of keys, found {describe(value)}")
    for key in value.keys() - {"metadata", "spec"}:
        raise wrong(f"has the unknown key {key}", do="use metadata and spec")
    if is_study_file(info):
        _refuse_endless(value)
    return value


ObjectName = Annotated[str, BeforeValidator(_matching(_OBJECT_NAME, "the name of a Kubernetes object"))]
ResourceName = Annotated[str, BeforeValidator(_matching(_RESOURCE, "a resource such as nvidia.com/gpu"))]
KeyOfSecret = Annotated[str, BeforeValidator(_matching(_KEY, "a key of a Secret"))]
ImageName = Annotated[str, BeforeValidator(_read_image)]
Quantity = Annotated[
    str,
    BeforeValidator(_read_quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_QUANTITY.pattern}$"}]}),
]
Memory = Annotated[Quantity, AfterValidator(_check_memory)]
ContainerPath = Annotated[str, BeforeValidator(_read_path)]
FolderOfVolume = Annotated[str, BeforeValidator(_read_sub_path)]
Texts = Annotated[dict[str, str], BeforeValidator(_check_texts)]
Environment = Annotated[Texts, AfterValidator(_check_environment)]
Tolerations = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_read_tolerations)]
PodTemplate = Annotated[dict[str, Any], BeforeValidator(_read_template)]
