"""What a training and its scores ask of settings alone, asked before anything is built: errors are those of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arcgate.learning.backbones import check_backbone
from arcgate.learning.looking import beside_others
from arcgate.learning.network import require_weights
from arcgate.learning.own_callbacks import own_callbacks
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.variant import Variant


def require_trainable(spec: Variant) -> None:
    """Refuse a variant that could not be trained or scored once its data set is there.

    Raises
    ------
    ArcgateError
        The backbone does not exist, its file of weights is not there, a callback cannot be made, the input needs controls that
        the data set will not have, or the core mask reaches into the annulus.
    """
    check_backbone(spec.learning.backbone)
    require_weights(spec.learning.backbone, spec.learning.weights)
    own_callbacks(spec.learning.trainer)
    viewer = Viewer(spec.view, spec.data.imaging)
    if viewer.needs_control and not spec.data.controls.paired:
        raise beside_others(spec.view, [spec.data.controls.name], "data.controls")
    viewer.require_mask(spec.evaluation.core_mask_radius_pix)
