"""The command line answers at once, and the rooms below the line stay free of torch."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

HEAVY = {
    "torch",
    "monai",
    "scipy",
    "matplotlib",
    "pydicom",
    "onnxruntime",
    "fastapi",
    "dbos",
    "sklearn",
    "pandas",
}


def test_help_lists_the_commands_and_loads_nothing_heavy() -> None:
    """What makes a command line slow is what it imports: that can be counted on a machine under any load."""
    code = (
        "import sys\nsys.argv = ['overread', '--help']\nfrom overread.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown, loaded = done.stdout.split("LOADED")
    for command in (
        "demo",
        "init",
        "check",
        "plan",
        "train",
        "package",
        "test",
        "explain",
        "run",
        "serve",
        "send",
    ):
        assert f"\n  {command} " in shown
    assert not HEAVY & set(loaded.split())


def test_it_runs_as_a_module_and_tells_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "overread", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"overread {version('overread')}"


def test_the_hospital_side_imports_no_torch() -> None:
    rooms = (
        "clinic.workflow",
        "web.app",
        "web.serve",
        "runtime.predict",
        "cohort.checks.run",
        "evaluate.run",
        "deidentify",
        "imaging.read",
    )
    rooms += ("stats.roc", "ledger.ledger")
    code = "import sys\n" + "".join(f"import overread.{r}\n" for r in rooms)
    code += "found = [m for m in ('torch', 'monai', 'lightning_fabric') if m in sys.modules]\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_training_without_torch_says_what_to_install() -> None:
    """As in the hospital's installation, where torch is absent."""
    code = (
        "import sys\nimport overread.cli as cli\n"
        "def stage(folder, **options):\n    raise ModuleNotFoundError('No module named torch', name='torch')\n"
        "import overread.pipeline.stages as stages\nstages.train_stage = stage\n"
        "sys.argv = ['overread', 'train', 'x']\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "[train]" in done.stderr and "Traceback" not in done.stderr


def test_the_package_offers_its_nouns() -> None:
    import overread

    for name in overread.__all__:
        assert getattr(overread, name) is not None


def in_a_command(body: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys\nsys.argv = ['overread', 'odd']\nfrom overread.cli import app, main\n"
        "from overread.errors import InputError\n"
        f"@app.command()\ndef odd() -> None:\n    {body}\nmain()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_ctrl_c_ends_with_a_line() -> None:
    done = in_a_command("raise KeyboardInterrupt")
    assert done.returncode == 130
    assert done.stdout == "" and done.stderr.strip().startswith("stopped: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_escape_codes_of_what_an_error_quotes_do_not_reach_the_terminal() -> None:
    for body in (
        r"raise InputError('a\x1b]0;title\x07b.dcm: odd')",
        r"raise OSError(2, 'gone', 'a\x1b[2Jb')",
    ):
        done = in_a_command(body)
        assert done.stderr.startswith("error: a") and "\x1b" not in done.stderr and "\x07" not in done.stderr
