"""Names of networks."""

from __future__ import annotations

import difflib

import timm

from arcgate.ground.errors import ArcgateError


def check_backbone(name: str) -> None:
    """Refuse a name that timm does not know, before anything is built for it.

    Raises
    ------
    ArcgateError
        With the closest names.
    """
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=5, cutoff=0.4)
        raise ArcgateError(
            f"timm has no model named {name!r}; close names: {', '.join(close) or 'none'}",
            where="learning.backbone",
            todo="choose one of timm.list_models()",
        )
