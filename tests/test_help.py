"""What `--help` says: each verb its own groups and settings, in a terminal of 100 columns."""

from __future__ import annotations

import re
from pathlib import Path

import arcgate.conf
import pytest
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from arcgate.cli import USAGE
from arcgate.completion import CONFIGURATIONS
from arcgate.config import from_config

CONF = Path(next(iter(arcgate.conf.__path__)))
# Options of hosts/mock are imagings.
GROUPS = {file.parent.relative_to(CONF).as_posix() for file in CONF.glob("*/**/*.yaml")} - {"hosts/mock"}
OF_DATA = {"variant", "imaging", "hosts", "kernels", "grid", "source", "controls", "entry", "psf", "noise", "core_mask"}
OF_DATA |= {"dataset"}
OF_OTHERS = {"parents"}
SHOWN = {
    "run": GROUPS - OF_OTHERS,
    "train": GROUPS - OF_OTHERS,
    "parents": {"parents", "runtime"},
    "simulate": OF_DATA | {"runtime", "experiment"},
    "audit": {"imaging", "view", "view/input", "view/normalisation", "gates", "runtime"},
    "predict": {"imaging", "runtime"},
    **dict.fromkeys(("inspect", "report", "ui", "clean", "mock"), frozenset()),
}

REQUIRED = {
    "audit": ["data=x"],
    "predict": ["model=x", "data=x"],
    "inspect": ["data=x"],
    "report": ["study=x"],
    "parents": ["root=x"],
}


def composed_by(verb: str, *overrides: str) -> DictConfig:
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return compose(CONFIGURATIONS[verb], overrides=list(overrides), return_hydra_config=True)


def help_of(verb: str) -> str:
    config = composed_by(verb, *REQUIRED.get(verb, []))
    return str(OmegaConf.to_container(config.hydra.help, resolve=False)["template"]).replace(
        "${hydra.help.header}", str(config.hydra.help.header)
    )


def listed(text: str, heading: str) -> dict[str, str]:
    """Entries below headings that begin so, by the word that they begin with; what goes on in the next line is added."""
    found: dict[str, str] = {}
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        if heading in part.splitlines()[0]:
            name = ""
            for line in part.split("\n\n")[0].splitlines()[1:]:
                name = name if line.startswith(" ") else line.split()[0]
                found[name] = f"{found.get(name, '')} {line}"
    return found


@pytest.mark.parametrize("verb", CONFIGURATIONS)
def test_each_verb_says_what_it_does_how_to_type_it_and_what_is_its_own(verb: str) -> None:
    text = help_of(verb)
    assert text.startswith(f"arcgate {verb}: ")
    assert f"usage: arcgate {verb} " in text
    assert max(map(len, text.splitlines())) <= 100
    assert set(listed(text, "roup")) == SHOWN[verb]


@pytest.mark.parametrize(
    ("verb", "group"),
    [(verb, group) for verb in ("run", "train", "predict", "parents", "simulate", "audit") for group in sorted(SHOWN[verb])],
)
def test_each_group_is_described_with_its_options(verb: str, group: str) -> None:
    entry = listed(help_of(verb), "roup")[group]
    words = set(re.findall(r"[\w/]+", entry))
    assert len(words) > 2
    options = {path.stem for path in (CONF / group).glob("*.yaml")}
    assert options <= words, f"{options - words} of {group} are not described"


@pytest.mark.parametrize("verb", CONFIGURATIONS)
def test_settings_are_there_and_have_the_values_that_are_stated(verb: str) -> None:
    settings = " ".join(listed(help_of(verb), "Settings").values())
    config = composed_by(verb, *REQUIRED.get(verb, []))
    stated = re.findall(r"(?<![\w.])([a-z_.]+)=([\w.]+)", settings)
    assert len(stated) >= 2 or verb == "ui"
    for key, value in stated:
        assert str(OmegaConf.select(config, key)).lower().replace("none", "null") == value, key


def test_simulate_composes_what_run_composes() -> None:
    for overrides in ([], ["imaging=hsc_gri", "variant=unpaired"], ["experiment=study_20k", "psf=moffat_naive"]):
        one, other = (composed_by(verb, *overrides) for verb in ("run", "simulate"))
        assert one.hydra.callbacks == other.hydra.callbacks
        assert one.hydra.sweep.dir == other.hydra.sweep.dir
        for config in (one, other):
            OmegaConf.set_struct(config, False)
            del config["hydra"]
        assert from_config(one) == from_config(other)


def test_the_usage_fits_too() -> None:
    assert max(map(len, USAGE.splitlines())) <= 100
