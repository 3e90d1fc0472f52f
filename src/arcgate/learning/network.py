"""Networks of timm: one output, a channel for each band and plane, weights drawn, from a file, or timm's own."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import timm
import torch
from torch import Tensor
from torch.nn import Conv2d, Module

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.learning.backbones import check_backbone

PRETRAINED: Final = "pretrained"
_PART: Final = "network."


def backbone(name: str, imaging: Imaging, planes: int = 1, weights: str | None = None, stem_stride: int | None = None) -> Module:
    """Build a timm network.

    Parameters
    ----------
    name : str
        Name as timm lists it.
    imaging : Imaging
        Of the stamps.
    planes : int
        How often each band is shown.
    weights : str, optional
        `pretrained`: timm's own, downloaded where the network reaches them; else a file of weights. Random by default.
    stem_stride : int, optional
        Stride of the first convolution, in the place of timm's own.

    Raises
    ------
    ArcgateError
        If timm has no such model (with the closest names), it cannot take stamps of this size, or weights cannot be had or are of
        another shape.
    """
    check_backbone(name)
    default = timm.get_pretrained_cfg(name)
    size: dict[str, Any] = {"img_size": imaging.size_pix} if default is not None and default.fixed_input_size else {}
    channels = planes * len(imaging.bands)
    try:
        network: Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=1, **size)
        if stem_stride is not None:
            _set_stem_stride(network, name, stem_stride)
        _try(network, imaging, channels)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise ArcgateError(
            f"timm's {name} does not work on stamps of {imaging.size_pix} x {imaging.size_pix} pixels: {error}",
            where="learning.backbone",
            todo="choose a convolutional backbone, for example resnet18",
        ) from error
    if weights is not None:
        _load(network, name, weights, channels, size)
    return network


def require_weights(name: str, weights: str | None) -> None:
    """Refuse a file of weights that is not there.

    Raises
    ------
    ArcgateError
        Naming it.
    """
    if weights is not None and weights != PRETRAINED and not Path(weights).is_file():
        raise _not_had(name, f"there is no file {weights}")


def logits_and_embeddings(network: Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n,) of a timm network, and what its last layer gets (n, k)."""
    embedded: Tensor = network.forward_head(network.forward_features(images), pre_logits=True)  # type: ignore[operator]  # timm's
    logits: Tensor = network.get_classifier()(embedded)  # type: ignore[operator]  # timm's
    return logits[:, 0], embedded.flatten(1)


def _set_stem_stride(network: Module, name: str, stride: int) -> None:
    stem = next((module for module in network.modules() if isinstance(module, Conv2d)), None)
    if stem is None:
        raise ArcgateError(
            f"timm's {name} has no convolution whose stride could be set", where="learning.stem_stride", todo="leave it at null"
        )
    stem.stride = (stride, stride)


def _load(network: Module, name: str, weights: str, channels: int, size: dict[str, Any]) -> None:
    require_weights(name, weights)
    try:
        if weights == PRETRAINED:
            state = timm.create_model(name, pretrained=True, in_chans=channels, num_classes=1, **size).state_dict()
        else:
            state = torch.load(Path(weights), map_location="cpu", weights_only=True)
        state = _bare(dict(state.get("state_dict", state)))
    # A folder or network out of reach, a name without weights, a file of something else or cut short.
    except (OSError, RuntimeError, ValueError, AttributeError, EOFError, UnpicklingError) as error:
        raise _not_had(name, error) from error
    own = network.state_dict()
    # The last layer is that of another question: it is drawn anew.
    classifier = network.get_classifier()  # type: ignore[operator]  # timm's
    last = next(each for each, module in network.named_modules() if module is classifier)
    head = {f"{last}.weight", f"{last}.bias"}
    given = {key: value for key, value in state.items() if key not in head}
    wrong = [key for key in own.keys() - head if key not in given or given[key].shape != own[key].shape]
    if wrong:
        first = min(wrong)
        found = tuple(given[first].shape) if first in given else "not there"
        raise ArcgateError(
            f"{len(wrong)} of {len(own)} weights do not fit {name} with {channels} channels: {first} is {found}, sought is "
            f"{tuple(own[first].shape)}",
            where="learning.weights",
            todo="give weights of this backbone and as many channels, or learning.weights=null",
        )
    network.load_state_dict({**own, **{key: given[key] for key in own if key in given}})


def _not_had(name: str, why: object) -> ArcgateError:
    return ArcgateError(
        f"weights of {name} cannot be had: {why}",
        where="learning.weights",
        todo="name a file of weights that torch.load reads, or learning.weights=null for random ones",
    )


def _bare(state: dict[str, Any]) -> dict[str, Any]:
    """Weights by the names that timm gives them; in arcgate's own checkpoints the network is a part of what was trained."""
    if state and all(str(key).startswith(_PART) for key in state):
        return {key.removeprefix(_PART): value for key, value in state.items()}
    return state


def _try(network: Module, imaging: Imaging, channels: int) -> None:
    network.eval()
    with torch.no_grad():
        shape = tuple(network(torch.zeros(2, channels, *imaging.shape[1:])).shape)
    network.train()
    if shape != (2, 1):
        raise ValueError(f"its output has shape {shape}, not (2, 1)")
