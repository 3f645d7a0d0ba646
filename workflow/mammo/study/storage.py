"""Results on a storage provider, such as S3, rather than in a folder that all jobs see.

Snakemake brings a job its inputs from there, and takes its outputs, log and benchmark file there.
Here the same is done with the record of whose the results are, which is no job's output. Imported
while the Snakefile is parsed, so it imports nothing slow.
"""

from pathlib import Path
from typing import Any

from mammo.log import InputError
from mammo.study.ownership import RECORD, Owner, claim, claim_results, other_owner, other_than

FIRST = "results/inventory/fingerprint.json"  # of what every study makes
Workflow = Any  # Snakemake's


def is_stored(workflow: Workflow) -> bool:
    """Whether results are on a storage provider."""
    return workflow.storage_settings.default_storage_provider is not None


def no_place(workflow: Workflow) -> str:
    """What is missing to put results on a storage provider; '' where nothing is."""
    settings = workflow.storage_settings
    provider = settings.default_storage_provider
    if provider is None or settings.default_storage_prefix:
        return ""
    return (
        f"--default-storage-provider {provider}: no bucket given: add --default-storage-prefix"
        f" {provider}://BUCKET/PREFIX"
    )


def place(workflow: Workflow, path: str = "results") -> str:
    """Where a path under results/ is, for a person: in the folder, or its address."""
    if is_stored(workflow):
        return _at_provider(workflow, path).query
    return str(Path(path).resolve())


def copy_of(workflow: Workflow, path: str) -> str:
    """Where a job finds a path under results/: there, or where its copy is put."""
    return str(_at_provider(workflow, path).local_path()) if is_stored(workflow) else path


def owner_mistake(workflow: Workflow, mine: Owner) -> str:
    """A message if the results are of another dataset than `mine`, else ''."""
    if not is_stored(workflow):
        return other_owner(RECORD, mine)
    record = _at_provider(workflow, RECORD)
    try:
        if not (_at_provider(workflow, FIRST).exists() and record.exists()):
            return ""
    except Exception as error:  # each provider has its own: no server, no keys, wrong ones
        why = " ".join(str(error).split())
        raise InputError(
            f"{record.query}: cannot be looked up: {why}. Check the storage's address and keys."
        ) from None
    record.local_path().parent.mkdir(parents=True, exist_ok=True)
    record.retrieve_object()
    text = record.local_path().read_text(encoding="utf-8")
    return other_than(mine, text, record.query, "--default-storage-prefix ELSEWHERE")


def claim_place(workflow: Workflow, mine: Owner) -> None:
    """Note beside the results which dataset they belong to. Called when a run starts."""
    if not is_stored(workflow):
        claim_results(RECORD, mine)
        return
    record = _at_provider(workflow, RECORD)
    record.local_path().parent.mkdir(parents=True, exist_ok=True)
    record.local_path().write_text(claim(mine), encoding="utf-8")
    record.store_object()


def _at_provider(workflow: Workflow, path: str) -> Any:
    """The storage object of a path under results/, as Snakemake names it."""
    prefix = workflow.storage_settings.default_storage_prefix
    return workflow.storage_registry.default_storage_provider.object(f"{prefix.rstrip('/')}/{path}")
