"""A run as one page that needs nothing else: no network, no other file, and no mouse."""

from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from conformance.reports.shown import marks_of, shown
from conformance.results import Exchange, Finding, Outcome, Run, Severity, Verdict

_HERE = Path(__file__).parent
# WS-Addressing 1.0: 3.2; HL7 v2.3.1: 2.24.2.
_MARKS_OF_ANSWERS = (b":RelatesTo>", b"\rMSA|")
_WORDS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.NOT_RUN: "not run"}


def write_html(run: Run) -> str:
    """Write the report: what it comes to, then group by group every plan with its findings and messages."""
    title = escape(f"{run.product} {run.version}".strip())
    body = "\n".join((*_head(run, title), *_filters(), "<main id='plans'>", *_overview(run), *_groups(run)))
    return _PAGE.format(
        title=title,
        css=(_HERE / "page.css").read_text(encoding="utf-8"),
        js=(_HERE / "page.js").read_text(encoding="utf-8"),
        body=body,
        plan_set=escape(run.plan_set),
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}: conformance report</title>
<style>
{css}</style>
</head>
<body>
<a class="skip" href="#plans">Skip to the plans</a>
{body}
<footer>
<p><kbd>/</kbd> searches, <kbd>j</kbd> and <kbd>k</kbd> go from plan to plan, <kbd>Enter</kbd> opens one,
<kbd>Esc</kbd> forgets the search. Plan set {plan_set}.</p>
</footer>
</main>
<script>
{js}</script>
</body>
</html>
"""


def _head(run: Run, title: str) -> Iterator[str]:
    counts = Counter(one.verdict for one in run.outcomes)
    verdict = Verdict.PASSED if run.passed else Verdict.FAILED
    yield f"<header><div><h1>{title} {_badge(_WORDS[verdict], _WORDS[verdict])}</h1>"
    yield f"<p class='lead'>{_in_a_sentence(run, counts)}</p>"
    yield "<div class='bar' role='img' aria-label='{}'>".format(
        ", ".join(f"{counts[one]} {word}" for one, word in _WORDS.items())
    )
    shares = {Verdict.PASSED: "p", Verdict.FAILED: "f", Verdict.NOT_RUN: "n"}
    total = max(1, len(run.outcomes))
    for one, letter in shares.items():
        yield f"<span class='{letter}' style='width:{100 * counts[one] / total:.2f}%'></span>"
    yield "</div><dl class='facts'>"
    seconds = (run.ended - run.started).total_seconds()
    facts = {
        "when": f"{run.started:%Y-%m-%d %H:%M} UTC, for {seconds:.0f} seconds",
        "plan set": f"{run.plan_set}, seed {run.seed}" if run.seed else run.plan_set,
        **dict(run.endpoints),
    }
    for name, value in facts.items():
        yield f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
    yield "</dl></div></header>"


def _in_a_sentence(run: Run, counts: Counter[Verdict]) -> str:
    findings = Counter(one.severity for outcome in run.outcomes for one in _all_findings(outcome))
    tried = counts[Verdict.PASSED] + counts[Verdict.FAILED]
    if not tried:
        return "Nothing could be tried."
    if run.passed:
        said = f"All {tried} plans that were tried passed."
    else:
        said = f"{counts[Verdict.FAILED]} of the {tried} plans that were tried failed."
    more = [f"{findings[one]} {one}{'' if findings[one] == 1 else 's'}" for one in Severity if findings[one]]
    return said + (f" Found on the way: {', '.join(more)}." if more else "")


def _filters() -> Iterator[str]:
    yield "<nav aria-label='Which plans are shown'><div>"
    shows = {
        "all": "All",
        "failed": "Failed",
        "found": "With findings",
        "passed": "Passed",
        "not run": "Not run",
    }
    for value, label in shows.items():
        pressed = "true" if value == "all" else "false"
        yield f"<button type='button' data-show='{value}' aria-pressed='{pressed}'>{label}</button>"
    yield "<input type='search' placeholder='Search plans, sections, findings' aria-label='Search'>"
    yield "<span id='told' class='soft' role='status'></span></div></nav>"


def _overview(run: Run) -> Iterator[str]:
    yield "<h2>Summary</h2><table><thead><tr><th scope='col'>Group</th>"
    yield "".join(f"<th scope='col' class='number'>{word.capitalize()}</th>" for word in _WORDS.values())
    yield "</tr></thead><tbody>"
    for number, group in enumerate(_group_names(run.outcomes)):
        counts = Counter(one.verdict for one in run.outcomes if one.group == group)
        cells = "".join(f"<td class='number'>{counts[one] or ''}</td>" for one in _WORDS)
        yield f"<tr><td><a href='#g{number}'>{escape(group)}</a></td>{cells}</tr>"
    yield "</tbody></table>"
    failed = [(n, one) for n, one in enumerate(run.outcomes) if one.verdict is Verdict.FAILED]
    if failed:
        yield "<h2>What to mend</h2><ol class='mend'>"
        for number, one in failed:
            yield f"<li><a href='#p{number}'>{escape(one.requirement)}</a>"
            yield f" <span class='soft'>{escape(one.section)}</span><br>{escape(one.reason)}</li>"
        yield "</ol>"


def _groups(run: Run) -> Iterator[str]:
    plans = {id(one): number for number, one in enumerate(run.outcomes)}
    for number, group in enumerate(_group_names(run.outcomes)):
        outcomes = [one for one in run.outcomes if one.group == group]
        passed = sum(one.verdict is Verdict.PASSED for one in outcomes)
        yield f"<section class='group' id='g{number}'><h2>{escape(group)}"
        yield f"<small>{passed} of {len(outcomes)} passed</small></h2>"
        for one in outcomes:
            yield from _plan(one, f"p{plans[id(one)]}", run.product)
        yield "</section>"


def _plan(outcome: Outcome, id: str, product: str) -> Iterator[str]:
    findings = list(_all_findings(outcome))
    words = " ".join(
        (outcome.plan, outcome.requirement, outcome.section, outcome.reason, outcome.actor, outcome.option,
         *(one.rule for one in findings))
    ).lower()  # fmt: skip
    worst = " open" if outcome.verdict is Verdict.FAILED and findings else ""
    yield (
        f"<details class='plan' id='{id}' data-verdict='{_WORDS[outcome.verdict]}' "
        f"data-found='{'yes' if findings else 'no'}' data-words=\"{escape(words)}\"{worst}>"
    )
    yield f"<summary>{_badge(_WORDS[outcome.verdict], _WORDS[outcome.verdict])}"
    yield f"<span>{escape(outcome.requirement)}</span>"
    yield f"<span class='soft'>{escape(outcome.section)}</span></summary><div>"
    about = " · ".join(escape(one) for one in (outcome.plan, outcome.actor, outcome.option) if one)
    yield f"<p class='soft'>{about}</p>"
    if outcome.reason:
        yield f"<p class='why'>{escape(outcome.reason)}</p>"
    for one in outcome.findings:
        yield _finding(one, "")
    for number, exchange in enumerate(outcome.exchanges):
        yield from _exchange(exchange, f"{id}-{number}", product)
    yield "</div></details>"


def _exchange(exchange: Exchange, id: str, product: str) -> Iterator[str]:
    errors = sum(one.severity is Severity.ERROR for one in exchange.findings)
    mark = _badge("error", f"{errors} error{'' if errors == 1 else 's'}") if errors else ""
    yield f"<details class='exchange'{' open' if exchange.findings else ''}>"
    yield f"<summary><strong>{escape(exchange.title)}</strong> "
    yield f"<span class='soft'>{escape(exchange.action)}, {1000 * exchange.seconds:.0f} ms</span> {mark}"
    yield "</summary>"
    marks = marks_of(exchange.findings, id)
    received = shown(exchange.received, marks)
    for number, one in enumerate(exchange.findings):
        anchor = f"{id}-{number}"
        yield _finding(one, anchor if f'id="{anchor}"' in received else "")
    panes = [("sent by the kit", shown(exchange.sent, {})), (f"received from {escape(product)}", received)]
    if _kit_answered(exchange):
        panes.reverse()
    yield "<div class='messages'>"
    for title, text in panes:
        yield f"<div><h4>{title}</h4><pre tabindex='0'>{text}</pre></div>"
    yield "</div></details>"


def _kit_answered(exchange: Exchange) -> bool:
    """Whether software under test asked: then what we sent, if anything, is an answer to it."""
    return not exchange.sent or any(mark in exchange.sent for mark in _MARKS_OF_ANSWERS)


def _finding(one: Finding, anchor: str) -> str:
    place = f"<code>{escape(one.where)}</code>"
    rows = {
        "where": f"<a href='#{anchor}'>{place}</a>" if anchor else place,
        "section": escape(one.section),
        "seen": f"<code>{escape(one.seen)}</code>",
        "expected": f"<code>{escape(one.expected)}</code>",
        "fix": escape(one.fix),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items())
    badge = _badge(one.severity, one.severity)
    return f"<div class='finding {one.severity}'><h4>{badge} {escape(one.rule)}</h4><dl>{listed}</dl></div>"


def _badge(kind: str, text: str) -> str:
    return f"<span class='badge {kind.replace(' ', '-')}'>{escape(text)}</span>"


def _all_findings(outcome: Outcome) -> Iterator[Finding]:
    yield from outcome.findings
    for exchange in outcome.exchanges:
        yield from exchange.findings


def _group_names(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(one.group for one in outcomes))
