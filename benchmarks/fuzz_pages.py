"""Schemathesis over the pages' JSON API: requests made from its own description, valid and not.

    python -m benchmarks.fuzz_pages [--examples 200]

So many requests for each operation of ``/api/openapi.json``, against the pages of a node with two studies, a run and a
failed request. No answer may be a server error, or another than the description says; at the end the pages must answer.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import hypothesis
import schemathesis
from rich.console import Console
from rich.progress import track
from tests.web.clinic import Clinic

from overread.clinic.tables import StudyState


def site(folder: Path) -> Clinic:
    """Everything that an operation may be about."""
    clinic = Clinic(folder, login=False, requests_per_minute=100_000, hosts=["testserver"])
    clinic.add_study()
    clinic.add_run()
    clinic.add_study("1.2.4")
    clinic.state.set_study("1.2.4", StudyState.FAILED, error="the headers cannot be read")
    clinic.state.give_up(clinic.state.ask("rerun", "1.2.4"), 8, "given up")
    return clinic


def main() -> None:
    """Run, print a table, exit 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=200)
    arguments = parser.parse_args()
    wrong: list[str] = []
    count = 0
    with tempfile.TemporaryDirectory(prefix="overread-pages-") as made:
        clinic = site(Path(made))
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", clinic.app)
        operations = [found.ok() for found in schema.get_all_operations()]
        for operation in track(operations, "operations"):
            for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

                @hypothesis.settings(
                    max_examples=arguments.examples,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    suppress_health_check=list(hypothesis.HealthCheck),
                )
                @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: schemathesis.Case) -> None:
                    nonlocal count
                    count += 1
                    case.call_and_validate()

                try:
                    ask()
                except hypothesis.errors.Unsatisfiable:
                    # An operation without anything that could be wrong.
                    continue
                except (Exception, BaseExceptionGroup) as error:
                    wrong.append(f"{operation.method.upper()} {operation.path} ({mode.value}): {error}")
        if clinic.browser().get("/").status_code != 200:
            wrong.append("the reading list does not answer any more")
    console = Console(soft_wrap=True)
    console.print(
        f"{count} requests to {len(operations)} operations, {len(wrong)} of them with a wrong answer"
    )
    for line in wrong:
        console.print(line[:2000], markup=False)
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
