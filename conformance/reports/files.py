"""The reports of a run as files, each in the form that its reader asked for."""

from pathlib import Path

from conformance.results import Run


def write_reports(run: Run, html: Path | None, junit: Path | None, save: Path | None) -> None:
    """Write the page for people, JUnit XML for build servers, and JSON that reads back to the same run."""
    from conformance.reports.html import write_html
    from conformance.reports.json_file import write_run
    from conformance.reports.junit import write_junit

    if html:
        html.write_text(write_html(run), encoding="utf-8")
    if junit:
        junit.write_bytes(write_junit(run))
    if save:
        save.write_text(write_run(run), encoding="utf-8")
