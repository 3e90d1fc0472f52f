"""Which shared test sets a variant can be scored on, and why it cannot be on others."""

from __future__ import annotations

from pathlib import Path

import pytest
from composing import composed

from arcgate.finished import Keys, Record
from arcgate.ground.errors import ArcgateError
from arcgate.grounds import Grounds, grounds_of, require_scored
from arcgate.injection.spec_digest import spec_digest

PACK = ("hosts=pack", "data.hosts.path=folder", "+kernels=psfex")


def grounds(*overrides: str) -> Grounds:
    spec = composed(*overrides)
    return grounds_of(spec.evaluation, spec.view)


def test_without_images_or_psfs_the_realistic_test_set_is_not_available_and_the_common_one_is(tmp_path: Path) -> None:
    for overrides, reason in (
        ((), r"not given \(evaluation/realistic=cosmos_moffat "),
        (
            ("evaluation/realistic=cosmos_moffat", "evaluation.realistic.source.path=nowhere"),
            r"no HST stamps .* lie in evaluation",
        ),
    ):
        found = grounds(*overrides)
        assert list(found.sets) == ["common"]
        with pytest.raises(ArcgateError, match=rf"the realistic test set is not available: .*{reason}"):
            require_scored("realistic/auroc", found)
        for metric in (None, "common/auroc", "safe"):
            require_scored(metric, found)
    (tmp_path / "stamps.fits").touch()
    path = f"evaluation.realistic.source.path={tmp_path}"
    found = grounds("evaluation/realistic=cosmos_moffat", path)
    assert (list(found.sets), found.absent) == (["common", "realistic"], {})
    measured = (*PACK, "evaluation/realistic=cosmos", path)
    assert "is no folder" in grounds(*measured, f"data.hosts.kernels.path={tmp_path}/models").absent["realistic"]
    psf = grounds(*measured, f"data.hosts.kernels.path={tmp_path}").sets["realistic"].psf
    assert (psf.profile, psf.width_convention) == ("kernel", "measured")


@pytest.mark.parametrize("shown", ["stamp_control", "residual"])
def test_inputs_that_need_a_control_have_no_test_set_whose_controls_are_other_galaxies(shown: str) -> None:
    found = grounds(f"view/input={shown}")
    assert not found.sets
    assert found.absent["common"] == "this input shows each stamp's own control, and controls of this test set are other galaxies"
    assert list(grounds(f"view/input={shown}", "controls@evaluation.common.controls=paired").sets) == ["common"]


def test_a_realistic_test_set_changes_the_scores_key_and_no_other() -> None:
    plain = composed()
    beside = composed("evaluation/realistic=cosmos_moffat", "evaluation.realistic.source.path=stamps")
    assert spec_digest(plain.data) == spec_digest(beside.data)
    assert spec_digest(plain.evaluation.common) == spec_digest(beside.evaluation.common)
    before = Keys.of(plain, "d", {"common": "c"}, {"realistic": "not given"})
    after = Keys.of(beside, "d", {"common": "c", "realistic": "r"}, {})
    assert (before.evidence, before.training) == (after.evidence, after.training)
    forced = Keys.of(composed("evaluation.force=true"), "d", {"common": "c"}, {"realistic": "not given"})
    assert len({before.scoring, after.scoring, forced.scoring}) == 3


def test_a_leaked_score_stands_beside_the_clean_one() -> None:
    scores = {"test/auroc": 0.9, "common/auroc": 0.8, "common_leaked/auroc": 0.85, "realistic/auroc": 0.7}
    words = Record("run", "passed", scores, []).in_words
    assert words == (
        "test AUROC 0.900, common set 0.800 (leaked: 0.850, with what the network was trained on), realistic set 0.700"
    )
    assert Record("run", "passed", {"test/auroc": 0.9}, []).in_words == "test AUROC 0.900, common set not available"
