from __future__ import annotations

import demo_evidence
import pytest

from arcgate.gate_report.report import report_page
from arcgate.gates.core.result import Evidence


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    return demo_evidence.evidence()


@pytest.fixture(scope="session")
def page(evidence: Evidence) -> str:
    return report_page(evidence, demo_evidence.ABOUT)
