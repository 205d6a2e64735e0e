"""Colours of a drawing. The operations' tell apart under the common forms of colour blindness (Okabe and Ito, 2008)."""

from __future__ import annotations

BACKGROUND = "#ffffff"
TEXT = "#1b2733"
FAINT_TEXT = "#64748b"
EDGE = "#94a3b8"
FAINT_EDGE = "#d3dbe5"
CARD = "#f8fafc"
CARD_BORDER = "#dfe6ee"
NODE_BORDER = "#ffffff"
TERMINAL = "#64748b"

STAGE_COLOURS = ("#7cc0c4", "#3a8fa3", "#1d5673")
STAGE_TEXTS = ("#12333a", "#ffffff", "#ffffff")
"""Readable on a stage's colour."""
STAGE_BANDS = ("#eef8f8", "#e4f1f4", "#dbe8ef")

OPERATION_COLOURS = {
    "conv1x1": "#e69f00",
    "conv3x3": "#0072b2",
    "conv5x5": "#cc79a7",
    "pool3x3": "#009e73",
    "pool5x5": "#d55e00",
}
