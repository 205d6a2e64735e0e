"""An architecture as a picture: the top graph with its stages, the cells' middle graphs, the first bottom graphs.

Called by `draw_svg` and `draw_png`; what is drawn depends on nothing but the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_trainer.architecture.architecture import Architecture
from nago_trainer.architecture.drawing.cards import GAP, Card, flow
from nago_trainer.architecture.drawing.graph_layout import lay_out_graph
from nago_trainer.architecture.drawing.graph_shapes import GraphStyle, graph_shapes
from nago_trainer.architecture.drawing.legend import legend_shapes
from nago_trainer.architecture.drawing.palette import (
    BACKGROUND,
    BAND_COLOURS,
    FAINT_TEXT,
    OPERATION_COLOURS,
    STAGE_COLOURS,
    TEXT,
    TEXT_ON_STAGE,
)
from nago_trainer.architecture.drawing.picture import Anchor, Box, Label, Picture, Shape
from nago_trainer.architecture.plan import TensorShape

WIDTH = 1200.0
MARGIN = 36.0
MIDDLE_ROWS = 2
BOTTOM_ROWS = 4
"""Rows of cards; what does not fit is counted."""
