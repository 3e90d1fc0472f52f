from __future__ import annotations

from arcgate.tracking.worst import worst_gate


def test_the_worst_gate_is_the_one_furthest_from_its_null_value_on_its_own_scale(make_gate) -> None:
    auc = make_gate("mask_edge", value=0.05, status="failed", null=0.5)  # 0.9 of the way to a rule that is always wrong
    share = make_gate("declared_arc", value=0.8, status="failed", null=0.0)
    silent = make_gate("ring", value=0.99, status="undetermined", null=0.5)
    diagnostic = make_gate("core_published", role="diagnostic", value=1.0, status="reported")
    worst = worst_gate([silent, share, auc, diagnostic])
    assert worst is not None
    assert (worst.gate, round(worst.distance, 6)) == ("mask_edge/raw", 0.9)
    assert worst_gate([silent, diagnostic]) is None
