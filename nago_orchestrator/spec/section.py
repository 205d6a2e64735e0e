"""What all sections of the study file share: frozen once read, and no unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationInfo


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def is_study_file(info: ValidationInfo) -> bool:
    """Whether a study file is read, which has a context; a stored study has none and must open as it is.

    For what is refused in a file though it would do no harm: a stored study has every default written out.
    """
    return info.context is not None
