"""Compare what two machines have with what a study needs, print it as a table, and fail where a study would."""

LEAST_GB = {
    "results": 5,
    "temporary": 1,
}  # the tensors, runs and figures of CBIS-DDSM at 224 pixels take 1 GB


def checks(here, node, gpus, threads):
    """Yield (status, what, what there is here, and where jobs run, the way out). gpus, threads: the most that a run asks for."""

    def row(good, what, values, way_out, otherwise="fail"):
        return "pass" if good else otherwise, what, *map(str, values), "" if good else way_out

    def both(key):
        return here[key], node[key]

    yield row(True, "machine", both("machine"), "")
    minors = [value.split(".")[:2] for value in both("python")]
    yield row(minors[0] == minors[1], "Python", both("python"), f"the job's is {node['interpreter']}: jobs need the environment that was installed here, on a shared disk, or with --sdm conda one of their own")  # fmt: skip
    for name in sorted({*here["packages"], *node["packages"]}):
        versions = [machine["packages"].get(name, "none") for machine in (here, node)]
        severe = "fail" if name == "snakemake" else "warn"
        yield row(
            versions[0] == versions[1],
            name,
            versions,
            "results depend on it: install the lock on both",
            severe,
        )
    same = here["token"] == node["token"]
    yield row(same, "results/ shared", ("written", "read and answered" if same else "another file"), "the machines see different folders: put results/ (--directory) on a disk that both mount, or use a storage provider")  # fmt: skip
    yield row(node["cpus"] >= threads, "CPUs", both("cpus"), f"training.threads is {threads}: runs would share CPUs; ask for fewer", "warn")  # fmt: skip
    yield row(len(node["gpus"]) >= gpus, "GPUs", (len(here["gpus"]), len(node["gpus"])), f"training.gpus is {gpus}: runs would train on the CPU; does the profile ask for GPUs, and does nvidia-smi find them there?", "warn")  # fmt: skip
    for (where, free), (temporary, free_there) in zip(
        here["free_gb"].items(), node["free_gb"].items(), strict=True
    ):
        kind = "results" if where == "results" else "temporary"
        enough = min(free, free_there) >= LEAST_GB[kind]
        names = where if where == temporary else f"{where}, {temporary}"
        yield row(enough, f"free, {names}", (f"{free} GB", f"{free_there} GB"), f"less than {LEAST_GB[kind]} GB: make room, or let --directory or TMPDIR name another disk", "warn")  # fmt: skip
    if here["path"] is not None:
        states = ["there" if machine["folder"] else "not there" for machine in (here, node)]
        yield row(
            states == ["there"] * 2,
            "dataset",
            states,
            f"{here['path']} has to be mounted where jobs run, under the same path",
        )
        if states == ["there"] * 2:
            counts = [len(machine["missing_tables"]) for machine in (here, node)]
            lost = ", ".join([*here["missing_tables"], *node["missing_tables"]][:3])
            yield row(counts == [0, 0], "its tables", [f"{n} not readable" if n else "readable" for n in counts], f"{lost}: cannot be read")  # fmt: skip


def as_text(rows):
    """The lines of the table, what fails first, each way out below its row."""
    rows = sorted(rows, key=lambda row: ["fail", "warn", "pass"].index(row[0]))
    head = ("", "", "here", "where jobs run")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    for *cells, way_out in [(*head, ""), *rows]:
        yield "  ".join(
            f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)
        ).rstrip()
        if way_out:
            yield f"{' ' * widths[0]}  → {way_out}"
