"""Results on S3 rather than in a folder, by a server on loopback.

And Kubernetes' profile, as far as it goes without a cluster.
"""

import socket

import pytest

from helpers.datasets import TinyKaggle
from helpers.project import ROOT, SMALL, model_weights, rules_to_run, snakemake

for module in (
    "snakemake_storage_plugin_s3",
    "snakemake_executor_plugin_kubernetes",
    "moto.server",
    "boto3",
):
    pytest.importorskip(
        module, reason=f"no {module} here; make test-extra brings it", exc_type=ImportError
    )
import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

pytestmark = pytest.mark.slow


# Of each way to a dataset's pixels, to a model, and of what is made of all.
TARGETS = ["results/metrics.json", "results/plots/loss.svg", "results/runs/baseline/gradcam.csv"]


MODEL = "results/runs/baseline/fold0-seed1/model.keras"


KEYS = {
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "region_name": "us-east-1",
}


BUCKET = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://studies/phantom"]


@pytest.fixture(scope="module")
def s3():
    """A client of an S3 server that Snakemake finds; it runs until this module's tests end."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_ACCESS_KEY", KEYS["aws_access_key_id"])
        monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_SECRET_KEY", KEYS["aws_secret_access_key"])
        yield boto3.client("s3", endpoint_url=f"http://{host}:{port}", **KEYS)
    server.stop()


@pytest.fixture(scope="module")
def stored(s3, tmp_path_factory):
    """(folder, what Snakemake said, {name: bytes}) of a phantom study with its results on S3."""
    folder = tmp_path_factory.mktemp("stored")
    done = snakemake(ROOT, "--cores", "2", "--directory", folder, *TARGETS, *BUCKET, *SMALL)
    assert done.returncode == 0, done.stdout
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="studies", Prefix="phantom/")
    names = [item["Key"] for page in pages for item in page["Contents"]]
    found = {name: s3.get_object(Bucket="studies", Key=name)["Body"].read() for name in names}
    return (
        folder,
        done.stdout,
        {name.removeprefix("phantom/"): content for name, content in found.items()},
    )


def test_results_on_s3_are_those_of_a_folder_bit_for_bit(stored, study, tmp_path):
    """That nothing is missing there, the next test shows."""
    *_, there = stored
    here = {name: study / name for name in there}
    assert not [name for name, path in here.items() if not path.is_file()]
    # What bears a date: words, timings, the files' times; and a .keras file, whose weights count.
    dated = {name for name in here if name.startswith(("results/logs/", "results/benchmarks/"))}
    dated |= {MODEL, "results/inventory/headers.csv"}
    assert {"results/phantom/planted.csv", "results/dataset.json", *TARGETS} <= set(here) - dated
    assert [name for name in set(here) - dated if here[name].read_bytes() != there[name]] == []
    (tmp_path / "there.keras").write_bytes(there[MODEL])
    ours, theirs = model_weights(here[MODEL]), model_weights(tmp_path / "there.keras")
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_a_second_run_has_nothing_to_do_and_the_folder_has_no_results(stored):
    folder, said, _ = stored
    assert (
        rules_to_run(snakemake(ROOT, "-n", "--directory", folder, *TARGETS, *BUCKET, *SMALL))
        == set()
    )
    assert not [path for path in (folder / "results").rglob("*") if path.is_file()]
    assert "Written to: s3://studies/phantom/results" in said
    assert "Results: s3://studies/phantom/results" in said


def test_a_bucket_belongs_to_one_dataset_from_whatever_folder_it_is_used(stored, s3, tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    kaggle = ["--configfile", "config/kaggle.yaml", "--config", f"dataset={{path: {data}}}"]
    done = snakemake(ROOT, "--cores", "2", "--directory", tmp_path / "run", *BUCKET, *kaggle)
    assert done.returncode != 0
    assert "s3://studies/phantom/results was made from another dataset" in done.stdout
    assert "add --default-storage-prefix ELSEWHERE" in done.stdout
    assert (
        s3.get_object(Bucket="studies", Key="phantom/results/dataset.json")["Body"].read()
        == stored[2]["results/dataset.json"]
    )


def test_a_dataset_of_ones_own_is_read_where_it_is(s3, tmp_path):
    data = TinyKaggle(tmp_path / "data").write()
    done = snakemake(
        ROOT,
        "results/inventory/contact_sheet_benign.png",
        "--cores",
        "2",
        "--directory",
        tmp_path / "run",
        *BUCKET[:-1],
        "s3://studies/own",
        "--configfile",
        "config/kaggle.yaml",
        "--config",
        f"dataset={{path: {data}}}",
    )
    assert done.returncode == 0, done.stdout
    names = [
        item["Key"] for item in s3.list_objects_v2(Bucket="studies", Prefix="own/")["Contents"]
    ]
    assert "own/results/inventory/contact_sheet_benign.png" in names
    assert not [name for name in names if not name.startswith("own/results/")]


def test_verify_says_that_it_reads_files(stored):
    done = snakemake(ROOT, "verify", "--cores", "1", "--directory", stored[0], *BUCKET, *SMALL)
    assert done.returncode == 1
    assert "bring s3://studies/phantom/results here as results/" in done.stdout


KUBERNETES = ["--workflow-profile", "profiles/kubernetes"]


def test_kubernetes_without_a_cluster_or_a_bucket_stops_before_any_job(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    done = snakemake(ROOT, *KUBERNETES, "--directory", tmp_path / "run")
    assert done.returncode == 1
    assert f"sends jobs to Kubernetes, but {tmp_path}/.kube/config is not there" in done.stdout
    assert "no bucket given: add --default-storage-prefix s3://BUCKET/PREFIX" in done.stdout
    assert not (tmp_path / "run/results").exists()


def test_the_profile_of_kubernetes_plans_a_study(s3, tmp_path):
    done = snakemake(
        ROOT,
        "-n",
        *KUBERNETES,
        "--default-storage-prefix",
        "s3://studies/none",
        "--directory",
        tmp_path,
        *SMALL,
    )
    assert {"train_network", "write_report"} <= rules_to_run(done)
    gpu = ["--config", "phantom={patients: 24}", "training={gpus: 2}"]
    target = [
        "results/plots/loss.svg",
        "--default-storage-prefix",
        "s3://studies/none",
        "--directory",
        tmp_path,
    ]
    done = snakemake(ROOT, "-n", *target, *KUBERNETES, *gpu)
    assert done.stdout.count(" gpu=2") == 1  # training's alone
    assert "gpu_manufacturer=nvidia" in done.stdout


def test_a_store_that_does_not_answer_is_told(s3, tmp_path, monkeypatch):
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv(
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}"
        )
        done = snakemake(ROOT, "--cores", "1", "--directory", tmp_path, *TARGETS, *BUCKET, *SMALL)
    assert done.returncode == 1
    assert (
        "s3://studies/phantom/results/dataset.json: cannot be looked up: Could not connect"
        in done.stdout
    )
    assert "Traceback" not in done.stdout
