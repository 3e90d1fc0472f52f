"""Checkpoints survive crashes and refuse damage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from arcgate.ground.errors import ArcgateError
from arcgate.learning.checkpoints import AtomicCheckpointIO, EpochCheckpoints, load_checkpoint


def test_a_crash_while_writing_leaves_the_earlier_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, file)

    def half(content: object, path: Path) -> None:
        path.write_bytes(b"half a checkp")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2}, file)
    assert AtomicCheckpointIO().load_checkpoint(file) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_damaged_and_missing_checkpoints_say_so(tmp_path: Path) -> None:
    whole = tmp_path / "whole.ckpt"
    torch.save({"weights": torch.zeros(1000)}, whole)
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(ArcgateError, match="the checkpoint is damaged"):
        load_checkpoint(cut)
    with pytest.raises(ArcgateError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"callable": Path}, tmp_path / "evil.ckpt")
    with pytest.raises(ArcgateError, match="damaged"):
        load_checkpoint(tmp_path / "evil.ckpt")


def test_best_is_by_auroc_then_loss_then_first(tmp_path: Path) -> None:
    checkpoints = EpochCheckpoints(tmp_path)
    scores = [(0.9, 0.5), (0.95, 0.7), (0.95, 0.6), (0.95, 0.6), (0.8, 0.1)]
    history = [{"epoch": epoch, "val_auroc": auroc, "val_loss": loss} for epoch, (auroc, loss) in enumerate(scores)]
    checkpoints.load_state_dict({"history": history})
    assert checkpoints.best["epoch"] == 2
