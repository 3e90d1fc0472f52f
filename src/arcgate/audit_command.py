"""The `arcgate audit` that judges a variant's data set as the variant's own gates would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from importlib.resources import files
from itertools import chain
from typing import Any, Final

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from arcgate.ground.hashing import as_plain
from arcgate.variant import Variant

_CONF: Final = "arcgate.conf"
# The nodes on which an audit's evidence depends beside the data.
_NODES: Final = ("view", "gates")
# Words that Hydra or YAML read as something else.
_MEANT: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "nan", "inf"})


def audit_settings(spec: Variant) -> list[str]:
    """Settings of an audit that give it a variant's view and gates, as Hydra reads them: of each node the fewest that do.

    Parameters
    ----------
    spec : Variant
        Its sampling shows every row, as an audit does.

    Examples
    --------
    >>> audit_settings(published)  # doctest: +SKIP
    ['view=stamp_robust']
    """
    wanted = as_plain(spec)
    return list(chain.from_iterable(_fewest(node, wanted[node]) for node in _NODES))


def _fewest(node: str, wanted: Mapping[str, Any]) -> list[str]:
    """Of all options of a group the one that needs the fewest settings beside it; none where the audit's own will do."""
    options = sorted(file.name.removesuffix(".yaml") for file in (files(_CONF) / node).iterdir() if file.name.endswith(".yaml"))
    ways = [*([f"{node}={option}"] for option in options), []]
    # Of two that are as short the first is taken, which names an option.
    return min(([*way, *_settings(node, wanted, _audited(node, way))] for way in ways), key=len)


def _audited(node: str, way: list[str]) -> Mapping[str, Any]:
    """A node of the audit that these settings compose, within a verb or outside of any."""
    inside = GlobalHydra.instance().is_initialized()
    with nullcontext() if inside else initialize_config_module(config_module=_CONF, version_base="1.3"):
        config: DictConfig = compose("audit", overrides=way)
    plain = OmegaConf.to_container(config[node], resolve=True)
    assert isinstance(plain, dict)  # a node of settings
    return {str(key): value for key, value in plain.items()}


def _settings(prefix: str, wanted: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    """What turns one node into another, a setting for each value that differs."""
    yield from (f"~{prefix}.{key}" for key in there if key not in wanted)
    for key, value in wanted.items():
        name = f"{prefix}.{key}"
        if key not in there:
            yield f"+{name}={_as_typed(value)}"
        elif isinstance(value, Mapping) and isinstance(there[key], Mapping):
            yield from _settings(name, value, there[key])
        elif value != there[key]:
            yield f"{name}={_as_typed(value)}"


def _as_typed(value: Any) -> str:
    """A value in Hydra's grammar; text always in quotes, which keep `null` and `2024` what they are."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_as_typed(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_as_typed, value))}]"
    if isinstance(value, str):
        return value if _plain(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


def _plain(text: str) -> bool:
    """Whether Hydra takes a bare word for this very text."""
    return text.isascii() and text.replace("_", "").isalpha() and text.lower() not in _MEANT
