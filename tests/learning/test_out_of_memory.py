"""A batch that does not fit into memory is named with its setting; other errors pass through as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arcgate.dataset import Dataset
from arcgate.ground.errors import ArcgateError
from arcgate.learning.out_of_memory import batches_fit
from arcgate.learning.train import FINISHED, train
from arcgate.learning_node import Learning, Objective
from arcgate.variant import View

OBJECTIVE = """\
import torch
from arcgate.learning.objective import Minimised

def loss(output, batch):
    {}
    return output.logits.sum()

def objective():
    return Minimised(loss)
"""


@pytest.mark.parametrize(
    ("case", "line"),
    [
        # More than there is of any memory: torch says by itself that a processor's does not suffice.
        ("on_a_processor", "torch.empty(2**50)"),
        ("on_a_gpu", "raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 GiB.')"),
    ],
)
def test_a_training_names_the_size_of_its_batches(
    case: str,
    line: str,
    dataset: Dataset,
    view: View,
    learning: Learning,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = tmp_path / f"too_large_{case}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "objective.py").write_text(OBJECTIVE.format(line))
    monkeypatch.syspath_prepend(tmp_path)
    settings = replace(learning, objective=Objective(f"{package.name}.objective", {}))
    with pytest.raises(ArcgateError, match=r"a batch of 8 stamps does not fit into memory: .*allocate") as refused:
        train(dataset, view, settings, folder=tmp_path / "training", threads=1)
    assert refused.value.where == "learning.batch_size"
    assert "learning.batch_size=4 learning.trainer.accumulate=2" in str(refused.value)
    assert not (tmp_path / "training" / FINISHED).exists()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 8.00 GiB for an array"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: not enough memory: you tried to allocate 9"),
    ],
)
def test_libraries_say_it_in_their_own_ways(error: Exception, learning: Learning) -> None:
    one = replace(learning, batch_size=1)
    with pytest.raises(ArcgateError, match=r"a batch of 1 stamps(.|\n)*: take a smaller learning\.backbone"), batches_fit(one):
        raise error


@pytest.mark.parametrize("text", ["CUDA error: an illegal memory access was encountered", "shapes differ"])
def test_other_errors_stay_what_they_are(text: str, learning: Learning) -> None:
    with pytest.raises(RuntimeError, match=text), batches_fit(learning):
        raise RuntimeError(text)
