"""Every other experiment against the baseline, on test, at the levels of image and patient."""

from mammo.log import InputError, step
from mammo.statistics.comparison import compare_all, units_of_test
from mammo.statistics.settings import Evaluation
from mammo.tables import origin_of, read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        regions = snakemake.params.regions
        paths = dict(zip(regions, snakemake.input, strict=True))
        if len(paths) < 2:
            raise InputError(
                "experiments: {}: there is nothing to compare the baseline with."
                " Name another, as in config/README.md."
            )
        origins = {}

        def read(name):
            scores = read_table(paths[name], "scores")
            origins[name] = origin_of(scores)
            return units_of_test(scores, regions[name])

        baseline = read("baseline")
        others = ((name, read(name)) for name in paths if name != "baseline")
        table = compare_all(baseline, others, Evaluation(**snakemake.params.evaluation))
        leaks = []
        for name in table["experiment_b"]:
            both = {origins["baseline"]["leaks"], origins[name]["leaks"]} - {""}
            leaks.append(" and ".join(sorted(both)))
        origin = origins["baseline"] | {"experiment_a": "baseline", "leaks": leaks}
        write_table(table.assign(**origin), snakemake.output[0], "comparisons")
        print(table.drop(columns="confidence").to_string(index=False))
