"""lock: fix protocol, package, code and sealed test patients by hash, before the test; signed by who answers for it."""

from __future__ import annotations

from pathlib import Path

from overread.cohort.cohort import FILE as COHORT
from overread.cohort.cohort import Cohort
from overread.cohort.hashes import files_digest
from overread.commands import command
from overread.errors import InputError
from overread.files import sha256_file
from overread.keys.commands import open_person
from overread.keys.meanings import role_for
from overread.keys.ring import Person
from overread.ledger.environment import environment
from overread.ledger.files import hashed
from overread.pipeline.made_elsewhere import bring, check_agreement, made_elsewhere
from overread.pipeline.openings import looks_before, opened_in_training
from overread.pipeline.protocol import FILE as PROTOCOL
from overread.pipeline.sample_size import rationale
from overread.pipeline.seal import recorded_root, refuse_unsealed
from overread.pipeline.signing import LOCKED, sign_lock
from overread.pipeline.workspace import Workspace, console, stage_record
from overread.runtime.package import Package


def lock_stage(
    folder: Path,
    *,
    sign: str | None = None,
    passphrase_file: Path | None = None,
    elsewhere: Path | None = None,
) -> None:
    """Record protocol, package, code and sealed test patients by hash; `test` refuses anything else afterwards.

    ``sign`` names the person of the keyring who signs these hashes. ``elsewhere`` is a package that was made elsewhere,
    such as an imported model: it is copied into the folder, and that its training is not evidenced is recorded.

    Raises
    ------
    InputError
        What is there was not checked, sealed, trained on and packaged; nobody signs though the protocol asks for it;
        a person unknown, or without the role.
    """
    space = Workspace.open(folder)
    person = open_person(sign, passphrase_file) if sign is not None else None
    _check_signer(space, person)
    refuse_unsealed(space)
    if elsewhere is not None:
        bring(space, elsewhere)
    package = Package.load(_built(space))
    cohort = space.cohort()
    _check_chain(space, package, cohort)
    with stage_record(space, "lock") as result:
        result.update(
            protocol_sha256=space.protocol.digest(),
            package_sha256=package.sha256,
            protocol_file_sha256=space.ledger.store(folder / PROTOCOL),
            package_file_sha256=sha256_file(package.path),
            files=hashed(
                folder, [PROTOCOL, COHORT, "files.json", package.path.relative_to(folder).as_posix()]
            ),
            sealed_test_sha256=cohort.digest("test"),
            test_files_sha256=files_digest(cohort.split("test"), space.folder),
            code_sha256=environment()["code_sha256"],
            seal_root=recorded_root(space),
            sample_size=rationale(space, cohort),
            made_elsewhere=made_elsewhere(space),
            openings_before=looks_before(space.ledger),
            opened_in_training=opened_in_training(space, cohort),
        )
    console.print("  Protocol, package, code and sealed test patients are fixed by hash.")
    if person is not None:
        console.print(f"  {sign_lock(space, person, result)}", highlight=False, markup=False)
    if not space.protocol.intended_use.strip():
        console.print(
            f"  [yellow]{folder / PROTOCOL}: intended_use is empty. For whom and what for the model is meant decides "
            "what a test must show; the report says that it was not stated."
        )


def _check_signer(space: Workspace, person: Person | None) -> None:
    wanted = space.protocol.signatures.lock
    if person is not None:
        role_for(person.card, LOCKED, wanted=wanted)
    elif wanted is not None:
        raise InputError(
            f"{space.folder / PROTOCOL}: signatures.lock asks that a person with the role {wanted} signs; "
            f"{command('lock', space.folder, '--sign', 'NAME')}"
        )


def _check_chain(space: Workspace, package: Package, cohort: Cohort) -> None:
    """Raise InputError unless the cohort that is there was checked, sealed, trained on and packaged."""
    now, table = cohort.digest(), space.folder / "cohort.csv"
    checked = space.record_of("check")["result"]
    if checked["cohort_sha256"] != now:
        raise InputError(
            f"{table}: was changed after it was checked; run {command('run', space.folder)} again"
        )
    if checked["files_sha256"] != files_digest(cohort.cases, space.folder):
        raise InputError(
            f"{space.folder / 'files.json'}: image or mask files were changed after they were checked (it has their "
            f"hashes); run {command('run', space.folder)} again"
        )
    if made_elsewhere(space):
        check_agreement(space, package.manifest, package.path)
        return
    if space.record_of("plan")["result"]["sealed_test_sha256"] != cohort.digest("test"):
        raise InputError(
            f"{table}: the test cases are not those that were sealed by the plan; plan and train again"
        )
    if package.manifest.evidence.get("cohort") != now:
        raise InputError(
            f"{table}: is not the cohort that {package.path} was trained on; train and package again"
        )
    if package.manifest.evidence.get("weights") != space.record_of("train")["result"]["weights_sha256"]:
        raise InputError(
            f"{package.path}: was not made from the weights last trained; run `overread package` again"
        )


def _built(space: Workspace) -> Path:
    if not space.package_file.is_file():
        raise InputError(
            f"{space.package_file}: no such file; run {command('package', space.folder)} first, or bring one that was "
            f"made elsewhere: {command('lock', space.folder, '--package', 'FILE')}"
        )
    return space.package_file
