"""The largest network of an architecture within a parameter limit."""

from __future__ import annotations

from nago_trainer.architecture.architecture import Architecture
from nago_trainer.architecture.plan.assemble import draw_blueprint
from nago_trainer.architecture.plan.blueprint import Blueprint
from nago_trainer.architecture.plan.plan import Plan, TensorShape
from nago_trainer.contract.error_text import error_text


class ParameterLimitError(ValueError):
    """Even the narrowest network of the architecture has more parameters than allowed."""

    def __init__(self, smallest: int, limit: int) -> None:
        super().__init__(
            error_text(
                f"the architecture has {smallest:,} parameters at width 1, above the limit of {limit:,}",
                do="raise the limit or search for smaller graphs",
            )
        )
        self.smallest = smallest
        """The parameter total at width 1."""
        self.limit = limit


def largest_width(architecture: Architecture, image: TensorShape, classes: int, parameter_limit: int) -> int:
    """The largest width whose exact parameter total is within the limit. Raises ParameterLimitError."""
    return _search(draw_blueprint(architecture, image, classes), parameter_limit)


def fit_plan(architecture: Architecture, image: TensorShape, classes: int, parameter_limit: int) -> tuple[int, Plan]:
    """`largest_width` and the plan of that width, from one blueprint. Raises ParameterLimitError."""
    blueprint = draw_blueprint(architecture, image, classes)
    width = _search(blueprint, parameter_limit)
    return width, blueprint.realise(width)


def _search(blueprint: Blueprint, limit: int) -> int:
    """Doubling, then bisection; the total never falls when the width rises, and rises without bound."""
    smallest = blueprint.parameters(1)
    if smallest > limit:
        raise ParameterLimitError(smallest, limit)
    fits, too_wide = 1, 2
    while blueprint.parameters(too_wide) <= limit:
        fits, too_wide = too_wide, 2 * too_wide
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if blueprint.parameters(middle) <= limit:
            fits = middle
        else:
            too_wide = middle
    return fits
