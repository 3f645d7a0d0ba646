# Getting the data. A download is asked for by its rule's name and is no part of a study: it needs
# nothing and nothing needs it.

import time

from mammo.dataset.download.records import closing_words as download_words


# The output says what was verified. The data are no output, which Snakemake would delete before a
# job and after a failed one.
rule download_kaggle:
    output:
        DOWNLOADS["download_kaggle"],
    log:
        "results/logs/download_kaggle/kaggle.log",
    benchmark:
        "results/benchmarks/download_kaggle/kaggle.tsv"
    localrule: True  # a cluster's nodes often have no network
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(500),
        runtime=scaled(1440),
    params:
        path=lambda wildcards: BASELINE.download.path,
        # Always another value: it looks each time, as files may have gone since.
        asked=lambda wildcards: time.time(),
        code=closure("download_kaggle"),
    script:
        "../scripts/download_kaggle.py"


rule download_idc:
    output:
        DOWNLOADS["download_idc"],
    log:
        "results/logs/download_idc/idc.log",
    benchmark:
        "results/benchmarks/download_idc/idc.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(2880),
    params:
        path=lambda wildcards: BASELINE.download.path,
        asked=lambda wildcards: time.time(),
        code=closure("download_idc"),
    script:
        "../scripts/download_idc.py"
