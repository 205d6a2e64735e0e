from __future__ import annotations

import pytest

from nago_orchestrator.formatting.suggestions import nearest


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("batchsize", "batch_size"),
        ("BATCH-SIZE", "batch_size"),
        ("batchs", "batch_size"),
        ("learning", "learning_rate"),
        ("zebra", None),
    ],
)
def test_the_nearest_known_word(word: str, meant: str | None) -> None:
    assert nearest(word, ["batch_size", "learning_rate", "momentum"]) == meant
