"""The report at the end of the demo: what became of each incident, or figures if there are many, and the verdict.

It fits a terminal of 80 columns, as far as the names of incidents allow.
"""

from collections.abc import Iterable
from datetime import datetime
from statistics import median, quantiles

from rich import box
from rich.table import Table
from rich.text import Text

from daemon.model.incident import Kind
from daemon.sandbox.lines import happening, signl4_lines, title
from daemon.sandbox.verdict import Case, Verdict


def table(cases: Iterable[Case], began: datetime) -> Table:
    """All that happened to each incident, and what SIGNL4 got of it."""
    table = Table("Incident", box=box.SIMPLE, show_lines=True)
    for side in ("At Better Stack", "At SIGNL4"):
        table.add_column(side, no_wrap=True)
    for case in cases:
        happened = Text("\n").join(happening(one, began) for one in case.happened)
        told = Text("\n").join(line for _, line in signl4_lines(case, began))
        table.add_row(Text.assemble(f"{title(case)}\n", _opinion(case)), happened, told)
    return table


def figures(verdict: Verdict) -> Table:
    """How long it took until SIGNL4 was told, for each kind of message."""
    table = Table(
        "", "told", "median", "95 in 100", "longest", title="Time from the fact to SIGNL4", title_justify="left"
    )
    for kind in Kind:
        took = [
            one.took.total_seconds()
            for case in verdict.cases
            for one in case.told
            if one.kind == kind and one.took is not None
        ]
        if took:
            figures = (median(took), quantiles([*took, took[-1]], n=20)[-1], max(took))
            table.add_row(kind, str(len(took)), *(f"{figure:.2f} s" for figure in figures))
    return table


def _opinion(case: Case) -> Text:
    if case.findings:
        return Text("\n".join(finding.flaw for finding in case.findings), "bold red")
    return Text(_praise(case), "green")


def _praise(case: Case) -> str:
    if case.superseded:
        return f"right; {case.superseded} superseded"
    if case.silenced:
        return "right; held" if case.told else "right: silenced"
    return "right" if case.told else "right: no alert"


def reasons(cases: Iterable[Case]) -> list[str]:
    """Why each flaw is one, a sentence each."""
    return [f"{case.name}: {finding.flaw}: {finding.why}" for case in cases for finding in case.findings]


def sentence_of(verdict: Verdict) -> str:
    """The verdict: how much there was, and below it the flaws."""
    return verdict.sentence.replace("; ", ";\n" + " " * len("verdict: "))
