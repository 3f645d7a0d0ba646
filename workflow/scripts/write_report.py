"""The page that a person reads, the model card, the datasheet and the checklists."""

from pathlib import Path

from mammo.dataset.editions import EDITIONS
from mammo.log import step
from mammo.report.page import report_of
from mammo.report.results import Results
from mammo.study.provenance import made_with
from mammo.study.settings import Study
from mammo.tables import write_table

if __name__ == "__main__":
    with step(snakemake):
        params, output = snakemake.params, snakemake.output
        folder = Path(output.page).parent
        paths = map(Path, snakemake.input)
        results = Results(
            artifacts={path.relative_to(folder).as_posix(): path for path in paths},
            audit=Path(snakemake.input.audit),
            edition=EDITIONS[params.edition],
            study=Study(**params.study),
            settings=params.study,
            default=params.default,
            overlays=params.overlays,
            described=params.described,
            made=made_with(),
        )
        report = report_of(results)
        write_table(report.items, output.checklists, "checklists")
        for name in ("page", "model_card", "datasheet"):
            Path(output[name]).write_text(getattr(report, name), encoding="utf-8")
        filled = (report.items["status"] == "filled").sum()
        print(f"{len(report.page):,} characters of HTML")
        print(f"{filled} of {len(report.items)} items of the checklists are filled")
