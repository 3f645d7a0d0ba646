"""Results on a storage provider, such as S3, rather than in a folder that all jobs see (--default-storage-provider).

Snakemake brings a job its inputs from there, and takes its outputs, log and benchmark file there. Here the same is done with the
record of whose the results are, which is no job's. Imported while the Snakefile is parsed, so it imports nothing slow.
"""

from pathlib import Path

from mammo.log import InputError
from mammo.study.ownership import claim, other_than

RECORD = "results/dataset.json"
FIRST = "results/inventory/fingerprint.json"  # of what every study makes


def is_stored(workflow):
    """Whether a Snakemake Workflow has its results on a storage provider."""
    return workflow.storage_settings.default_storage_provider is not None


def no_place(workflow):
    """What is missing to put results on a storage provider, and the way out; '' where nothing is, or where they go into a folder."""
    settings = workflow.storage_settings
    if settings.default_storage_provider is None or settings.default_storage_prefix:
        return ""
    return (
        f"--default-storage-provider {settings.default_storage_provider}: results are to go there, but not said is into which bucket "
        "and folder; add --default-storage-prefix, for s3 such as s3://BUCKET/STUDY"
    )


def place(workflow, path="results"):
    """Where a path under results/ is, for a person: the folder's, or its address at the storage provider."""
    return _at_provider(workflow, path).query if is_stored(workflow) else str(Path(path).resolve())


def copy_of(workflow, path):
    """Where a job finds a path under results/: there, or where its copy is put."""
    return str(_at_provider(workflow, path).local_path()) if is_stored(workflow) else path


def other_owner_there(workflow, mine):
    """As mammo.study.ownership.other_owner, of the results at the storage provider."""
    record = _at_provider(workflow, RECORD)
    try:
        if not (_at_provider(workflow, FIRST).exists() and record.exists()):
            return None
    except Exception as error:  # each provider has its own: no server, no keys, wrong ones
        told = " ".join(str(error).split())
        raise InputError(
            f"{record.query}: cannot be looked for: {told}. Are the store's address and its keys right?"
        ) from None
    record.local_path().parent.mkdir(parents=True, exist_ok=True)
    record.retrieve_object()
    text = record.local_path().read_text(encoding="utf-8")
    return other_than(mine, text, record.query, "--default-storage-prefix ELSEWHERE")


def claim_there(workflow, mine):
    """As mammo.study.ownership.claim_results, of the results at the storage provider."""
    record = _at_provider(workflow, RECORD)
    record.local_path().parent.mkdir(parents=True, exist_ok=True)
    record.local_path().write_text(claim(mine), encoding="utf-8")
    record.store_object()


def _at_provider(workflow, path):
    """The storage object of a path under results/, as Snakemake names it."""
    prefix = workflow.storage_settings.default_storage_prefix
    return workflow.storage_registry.default_storage_provider.object(f"{prefix.rstrip('/')}/{path}")
