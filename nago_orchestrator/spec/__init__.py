"""The study file: `load_study_spec` reads it, `StudySpec` is what it says, `study_schema` describes it."""

from nago_orchestrator.spec.load import load_study_spec, parse_study_spec
from nago_orchestrator.spec.schema import study_schema
from nago_orchestrator.spec.study import StudySpec

__all__ = ["StudySpec", "load_study_spec", "parse_study_spec", "study_schema"]
