"""The templates of the HTML pages. Every text is escaped, unless it is `Markup` that this program made itself."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("nago_orchestrator.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> str:
    """The same values give the same page."""
    return _TEMPLATES.get_template(template).render(**values)
