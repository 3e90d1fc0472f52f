"""From a composed configuration to frozen dataclasses: the only reader of DictConfig."""

from __future__ import annotations

from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError

from arcgate.errors import ArcgateError
from arcgate.variant import Audit, Variant

Spec = TypeVar("Spec")


def from_config(config: DictConfig) -> Variant:
    """Check a composed configuration and freeze it.

    Parameters
    ----------
    config : DictConfig
        Composed by Hydra; interpolations are resolved here.

    Returns
    -------
    Variant

    Raises
    ------
    ArcgateError
        Naming each key that is unknown, missing or out of range, with the valid choices.
    """
    return _checked(config, Variant)


def audit_from_config(config: DictConfig) -> Audit:
    """Check the configuration of an audit and freeze it (see `from_config`)."""
    return _checked(config, Audit)


def _checked(config: DictConfig, kind: type[Spec]) -> Spec:
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ArcgateError(
            f"the configuration does not resolve: {error}",
            where="composed configuration",
            todo="give the missing value: key=value",
        ) from error
    return from_dict(plain, kind)


def from_dict(plain: Any, kind: type[Spec]) -> Spec:
    """Check a plain nested dictionary and freeze it (see `from_config`)."""
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        problems = "\n".join(f"  {_key(item['loc'])}: {item['msg']} (got {_shown(item['input'])})" for item in error.errors())
        raise ArcgateError(
            f"the configuration is not valid:\n{problems}",
            where="composed configuration",
            todo="correct the keys above; `--cfg job` prints the whole configuration",
        ) from error


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("mock", "pack")) or "(root)"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
