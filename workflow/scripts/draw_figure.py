"""Draw one figure from the CSV that stands beside it, as PNG and as SVG."""

from mammo.log import step
from mammo.report.figures import FIGURES
from mammo.report.style import marked
from mammo.stamps import save_figure
from mammo.tables import read_table

if __name__ == "__main__":
    with step(snakemake):
        record = FIGURES[snakemake.wildcards.figure]
        table = read_table(snakemake.input[0], record.schema)
        figure = marked(record.draw(table, snakemake.params.edition), table)
        save_figure(figure, snakemake.output, snakemake.input[0], table["dataset"].iloc[0])
        print(f"drew {', '.join(snakemake.output)}")
