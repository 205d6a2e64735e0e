"""Of many messages, the reason given most often: messages that differ in numbers alone give the same reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    example: str
    """The first message that gives it, without a full stop."""
    count: int
    """Messages that give it."""


def commonest_reason(messages: Sequence[str]) -> Reason | None:
    """None without a message; of equally common reasons the one given first."""
    texts = [message.rstrip(".") for message in messages]
    kinds = [_NUMBER.sub("0", text) for text in texts]
    if not kinds:
        return None
    kind, count = Counter(kinds).most_common(1)[0]
    return Reason(example=texts[kinds.index(kind)], count=count)
