"""Every other experiment against the baseline, on test, at the levels of image and patient."""

from mammo.log import InputError, step
from mammo.statistics.experiments import compare_all, units_of_test
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        regions = snakemake.params.regions
        paths = dict(zip(regions, snakemake.input, strict=True))
        if len(paths) < 2:
            raise InputError(
                "experiments: {}: there is nothing to compare the baseline with. Name another, as in config/README.md."
            )
        leaks = {}

        def read(name):
            scores = read_table(paths[name], "scores")
            leaks[name] = scores["leaks"].iloc[0]
            return units_of_test(scores, regions[name]), scores["dataset"].iloc[0]

        baseline, dataset = read("baseline")
        others = ((name, read(name)[0]) for name in paths if name != "baseline")
        table = compare_all(baseline, others, snakemake.params.evaluation)
        marks = [
            " and ".join(sorted({leaks["baseline"], leaks[name]} - {""}))
            for name in table["experiment_b"]
        ]
        table = table.assign(experiment_a="baseline", dataset=dataset, leaks=marks)
        write_table(table, snakemake.output[0], "comparisons")
        print(
            table.drop(columns=["experiment_a", "dataset", "leaks", "confidence"]).to_string(
                index=False
            )
        )
