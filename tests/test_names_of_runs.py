"""Names that a folder and the tracking database can hold, and settings as they were typed."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_module
from pydantic import TypeAdapter, ValidationError

from arcgate.composing import check_words, options_first, shell_word
from arcgate.config import audit_from_config, from_config, typed_words
from arcgate.ground.errors import ArcgateError
from arcgate.naming import Name, StudyName


@pytest.mark.parametrize("name", ["pilot", "2024", "a/b", "mask r=5", "étude", "..x", "x" * 255, "-m", "a..b"])
def test_names_of_studies(name):
    assert TypeAdapter(StudyName).validate_python(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *(
            (name, "must not leave it")
            for name in ("../x", "/abs", "a/../../b", "a/../b", ".", "..", "a//b", "a/", "./a", "a\\b")
        ),
        ("", "a name is needed"),
        ("   ", "a name is needed"),
        ("a\0b", r"control characters, found '\\x00'"),
        ("a\nb", r"control characters, found '\\n'"),
        (" a", "neither begins nor ends"),
        ("x" * 256, "256 bytes, a folder's may have 255"),
        ("é" * 128, "256 bytes"),
        ("x/" * 250 + "x", "501 characters, MLflow allows 500"),
    ],
)
def test_names_that_leave_their_folder_or_cannot_be_kept(name, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(StudyName).validate_python(name)


def test_a_variant_may_be_called_anything_that_can_be_printed():
    assert TypeAdapter(Name).validate_python("../x /y " * 1000)
    for name in ("", "a\nb", "a\x1b[2J"):
        with pytest.raises(ValidationError):
            TypeAdapter(Name).validate_python(name)


def test_where_text_is_sought_what_was_typed_is_taken():
    words = ["study=2_024", "runtime.data_dir=1e3", "+learning.seed=7", "data.hosts.n_hosts=60"]
    assert typed_words(words)["learning.seed"] == "7"
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        config = compose("config", overrides=[word.lstrip("+") for word in words])
        spec = from_config(config, typed_words(words))
        assert (spec.study, spec.runtime.data_dir, spec.learning.seed, spec.data.hosts.n_hosts) == ("2_024", "1e3", 7, 60)
        # The composed configuration is not changed, and without the words the message tells how to quote.
        with pytest.raises(ArcgateError, match=r"""study: (.|\n)*'study="\.\.\."'"""):
            from_config(config)
        assert audit_from_config(compose("audit", overrides=["data=2024"]), {"data": "2024"}).data == "2024"
        # A path that the common test set takes from the data is text in both places.
        pack = ["hosts=pack", "data.hosts.path=2024"]
        spec = from_config(compose("config", overrides=pack), typed_words(pack))
        assert (spec.data.hosts.path, spec.evaluation.common.hosts.path) == ("2024", "2024")
        images = ["source=cosmos", "data.source.path=2024"]
        assert from_config(compose("config", overrides=images), typed_words(images)).data.source.path == "2024"


def test_messages_name_keys_as_they_are_typed():
    overrides = ["data.hosts.n_hosts=-1", "source=cosmos", "data.source.path=here", "+data.source.scale=2"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        with pytest.raises(ArcgateError, match=r"data\.hosts\.n_hosts: .*\n.*data\.source\.scale: "):
            from_config(compose("config", overrides=overrides))
        with pytest.raises(ArcgateError, match=r"gates\.cells\.0\.region: "):
            from_config(compose("config", overrides=["gates.cells=[{region: middle, summary: pca, probe: ridge}]"]))


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("pilot", "study=pilot"),
        ("data/sets/x.npz", "study=data/sets/x.npz"),
        ("2024", """'study="2024"'"""),
        ("a=b", """'study="a=b"'"""),
        ("", """'study=""'"""),
        ("étude", """'study="étude"'"""),
    ],
)
def test_words_for_the_shell(value, word):
    assert shell_word("study", value) == word


@pytest.mark.parametrize(
    ("words", "todo"),
    [
        (["--verify"], "write verify=true"),
        (["--verify", "data=x"], "write verify=true"),
        (["--port", "5000"], "write port=5000"),
        (["--dry-run=true"], "write dry_run=true"),
        (["data=x", "here"], "write data=here"),
    ],
)
def test_words_that_are_no_settings_are_rewritten(words, todo):
    with pytest.raises(ArcgateError) as caught:
        check_words("audit", words)
    assert todo in str(caught.value)


@pytest.mark.parametrize(
    "words", [["--cfg", "job"], ["-c", "job"], ["--multi", "a=1,2"], ["~view"], ["+x=1"], ["--info", "config"]]
)
def test_options_and_settings_pass(words):
    check_words("audit", words)


def test_options_after_settings_are_put_before_them():
    words = ["data=x", "--config-dir", "cfg", "gates=mine", "-m", "~view", "--cfg=job", "a=1"]
    assert options_first(words) == ["--config-dir", "cfg", "-m", "--cfg=job", "data=x", "gates=mine", "~view", "a=1"]
