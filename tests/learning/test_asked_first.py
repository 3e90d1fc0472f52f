"""What could not be trained or scored is refused before a data set is built for it."""

from __future__ import annotations

import re

import pytest
from composing import composed

from arcgate.ground.errors import ArcgateError
from arcgate.pipeline import asked_first

CALLBACK = "learning.trainer.callbacks=[{_target_: pytorch_lightning.callbacks.Timr}]"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("learning.backbone=resnet_18",), "timm has no model named 'resnet_18'"),
        (("learning.weights=nowhere.pt",), "weights of test_resnet cannot be had: there is no file nowhere.pt"),
        ((CALLBACK,), "pytorch_lightning.callbacks.Timr cannot be made"),
        (
            ("view/input=stamp_control", "controls=unpaired"),
            "shows each stamp beside its true control, and controls of this set are unpaired",
        ),
        (("evaluation.core_mask_radius_pix=30",), "a core mask of 30.0 px does not lie inside the annulus that fills it"),
    ],
)
def test_what_would_fail_after_hours_is_asked_first(
    overrides: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(folder: str) -> None:
        raise AssertionError("it went on")

    monkeypatch.setattr("arcgate.pipeline.opened", opened)
    with pytest.raises(ArcgateError, match=re.escape(words)):
        asked_first(composed(*overrides))
    with pytest.raises(AssertionError, match="it went on"):
        asked_first(composed("view/input=stamp_control", "controls=paired"))
