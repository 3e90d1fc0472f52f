from __future__ import annotations

from arcgate.tracking.lightning import lightning_logger
from arcgate.tracking.record import log_params
from arcgate.tracking.runs import variant_run
from arcgate.tracking.store import Store


def test_epoch_metrics_go_to_the_variants_run_which_stays_open(store: Store) -> None:
    run_id = variant_run(store, "controls", "paired", "k1")
    log_params(store, run_id, {"learning.lr": 0.001})
    logger = lightning_logger(store, run_id)
    logger.log_hyperparams({"learning.lr": 0.1})
    for epoch in range(2):
        logger.log_metrics({"val/auroc": 0.8 + 0.1 * epoch}, step=epoch)
    logger.finalize("success")
    run = store.client.get_run(run_id)
    assert run.info.status == "RUNNING"
    assert run.data.params == {"learning.lr": "0.001"}
    assert [(point.step, point.value) for point in store.client.get_metric_history(run_id, "val/auroc")] == [(0, 0.8), (1, 0.9)]
    assert len(store.client.search_experiments()) == 2
