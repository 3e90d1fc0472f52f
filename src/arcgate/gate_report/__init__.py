"""The report of an audit: one HTML file that needs no network and no knowledge of this code."""

from typing import Final

EVIDENCE: Final = "evidence.json"
REPORT: Final = "report.html"
"""Names under which evidence and report lie side by side."""
