"""Numpy's arrays as tensors of the same memory: views are worked out in torch, and gates hold arrays that nobody may write."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arcgate.ground.read_only import read_only_view


def tensor_of(array: NDArray[Any]) -> Tensor:
    """A tensor that shares an array's memory; torch cannot lock it, so that nobody may write to it if the array is read-only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(np.ascontiguousarray(array))


def array_of(tensor: Tensor) -> NDArray[Any]:
    """A tensor on the processor as a compiled loop reads it."""
    return read_only_view(tensor.contiguous().numpy())


def on_processor(tensor: Tensor) -> bool:
    """Whether compiled loops can read it; on other devices torch does the same."""
    return tensor.device.type == "cpu"
