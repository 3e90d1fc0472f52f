"""A small mock survey on disk, for whoever reads surveys: one or two bricks with few objects."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module

from arcgate.config import mock_from_config
from arcgate.survey.mock.sky.settings import MockSky
from arcgate.survey.mock.sky.survey import write_survey

SMALL = {"n_bricks": 1, "rows_per_brick": 120, "known_lenses": 1, "gap_share": 1.0}
"""One brick, with a corner without z data; its settings but for these are those of conf/mock.yaml."""


@cache
def shipped() -> MockSky:
    """The settings of conf/mock.yaml."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return mock_from_config(compose("mock", overrides=["out=unused"])).sky


def small_settings(**settings: Any) -> MockSky:
    """Settings of a small survey, some of them changed."""
    return replace(shipped(), **(SMALL | settings))


def small_survey(folder: Path, **settings: Any) -> MockSky:
    """Write a small survey, or find it finished, and give its settings.

    Takes some 8 s on one core with all planes, and 4 s with `planes=("image", "invvar")`. `truth/objects.parquet` has the truth.
    """
    spec = small_settings(**settings)
    write_survey(spec, folder, workers=1)
    return spec
