"""From a composed configuration to frozen dataclasses: the only reader of DictConfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError

from arcgate.ground.errors import ArcgateError
from arcgate.prediction_spec import Prediction
from arcgate.survey.catalogue.spec import ParentsSpec
from arcgate.survey.mock.sky.job import MockJob
from arcgate.training_spec import Training
from arcgate.variant import Audit, Variant

Spec = TypeVar("Spec")
# Values that groups leave open: what each is, and an example.
_OPEN: Final = {
    "data.hosts.parents": (
        "the catalogue of galaxies, which `arcgate parents root=<folder of the survey>` makes and whose folder it prints",
        "data/parents/<digest>",
    ),
    "data.hosts.survey": ("the folder of the survey's files, as they lie on its server", "dr10"),
    "data.hosts.path": ("the file or folder of the galaxies' stamps", "my_galaxies"),
    "data.hosts.kernels.path": ("the folder of the measured PSFs", "my_psfs"),
    "data.source.path": ("the folder of the source images", "my_sources"),
    "evaluation.realistic.source.path": ("the folder of the realistic test set's source images", "my_sources"),
}


def from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> Variant:
    """Check a composed configuration and freeze it.

    Parameters
    ----------
    config : DictConfig
        Composed by Hydra; interpolations are resolved here.
    typed : mapping, optional
        Settings as they were typed, by their keys (see `typed_words`). Where text is sought and Hydra read a number or a truth
        value (`study=2024`), what was typed is taken.

    Returns
    -------
    Variant

    Raises
    ------
    ArcgateError
        Naming each key that is unknown, missing or out of range, with the valid choices.
    """
    return _checked(config, Variant, typed or {}, taken_over=("imaging",))


def training_from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> Training:
    """Check the configuration of a training and freeze it (see `from_config`)."""
    return _checked(config, Training, typed or {}, taken_over=("imaging",))


def prediction_from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> Prediction:
    """Check the configuration of a prediction and freeze it (see `from_config`)."""
    return _checked(config, Prediction, typed or {})


def audit_from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> Audit:
    """Check the configuration of an audit and freeze it (see `from_config`)."""
    return _checked(config, Audit, typed or {})


def parents_from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> ParentsSpec:
    """Check the configuration of a parents catalogue and freeze it (see `from_config`)."""
    return _checked(config, ParentsSpec, typed or {})


def mock_from_config(config: DictConfig, typed: Mapping[str, str] | None = None) -> MockJob:
    """Check the configuration of a mock survey on disk and freeze it (see `from_config`)."""
    return _checked(config, MockJob, typed or {})


def typed_words(overrides: Sequence[str]) -> dict[str, str]:
    """Settings by their keys as they were typed: `["+study=2024"]` becomes `{"study": "2024"}`."""
    split = (word.lstrip("+").partition("=") for word in overrides)
    return {key: value for key, equals, value in split if equals}


def _checked(config: DictConfig, kind: type[Spec], typed: Mapping[str, str], taken_over: Sequence[str] = ()) -> Spec:
    """A frozen specification; groups that are `taken_over` stand elsewhere in it by interpolation."""
    plain = _plain(config, taken_over)
    meant = {key: typed[key] for key in _no_text(plain, kind) if key in typed}
    if meant:
        config = config.copy()
        for key, text in meant.items():
            OmegaConf.update(config, key, text)
        plain = _plain(config, taken_over)
    return from_dict(plain, kind)


def _plain(config: DictConfig, taken_over: Sequence[str]) -> Any:
    try:
        if missing := sorted(OmegaConf.missing_keys(config)):
            raise _not_given(missing)
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ArcgateError(
            f"the configuration does not resolve: {error}",
            where="composed configuration",
            todo="correct what stands after the key, or the key that it refers to",
        ) from error
    return {key: value for key, value in plain.items() if key not in taken_over} if isinstance(plain, dict) else plain


def _not_given(keys: Sequence[str]) -> ArcgateError:
    """Say which values the settings leave to the user, what each is, and give an example."""
    known = {key: _OPEN.get(key, ("", "<value>")) for key in keys}
    what = "; ".join(f"{key} is not given" + (f": {said}" if said else "") for key, (said, _) in known.items())
    todo = f"add {' '.join(f'{key}={example}' for key, (_, example) in known.items())}"
    return ArcgateError(what, where="command line", todo=todo)


def _no_text(plain: Any, kind: type[Spec]) -> list[str]:
    """Keys where text is sought and a number or a truth value is found."""
    try:
        TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        return [
            _key(item["loc"], plain)
            for item in error.errors()
            if item["type"] == "string_type" and isinstance(item["input"], bool | int | float)
        ]
    return []


def from_dict(plain: Any, kind: type[Spec]) -> Spec:
    """Check a plain nested dictionary and freeze it (see `from_config`)."""
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        named = [(_key(item["loc"], plain), item) for item in error.errors()]
        problems = "\n".join(f"  {key}: {_said(item)} (got {_shown(item['input'])})" for key, item in named)
        text = next((key for key, item in named if item["type"] == "string_type"), None)
        quoting = "" if text is None else f"; text that reads as something else needs quotes: '{text}=\"...\"'"
        raise ArcgateError(
            f"the configuration is not valid:\n{problems}",
            where="composed configuration",
            todo=f"correct the keys above; `--cfg job` prints the whole configuration{quoting}",
        ) from error


def _said(item: Mapping[str, Any]) -> str:
    """What is wrong with a value, in words of YAML: pydantic's tuples are lists there."""
    if item["type"] != "tuple_type":
        return str(item["msg"])
    return f"Input should be a list: [{'' if item['input'] is None else item['input']}]"


def _key(location: tuple[int | str, ...], plain: Any) -> str:
    """The key at a place; where a `kind` chose one of several dataclasses, pydantic's place names it, and no key does."""
    parts, node = [], plain
    for part in location:
        values = node if isinstance(node, dict) else {}
        if part != values.get("kind"):
            parts.append(str(part))
            node = values.get(part)
    return ".".join(parts) or "(root)"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
