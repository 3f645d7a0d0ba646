"""The page that a person reads, with the model card, the datasheet and the checklists: all from what the study left."""

from pathlib import Path

from mammo.log import step
from mammo.report.page import render
from mammo.report.sections import context
from mammo.study.provenance import made_with
from mammo.tables import write_table

if __name__ == "__main__":
    with step(snakemake):
        output = snakemake.output
        results = Path(output.page).parent
        artifacts = {
            Path(path).relative_to(results).as_posix(): Path(path) for path in snakemake.input
        }
        told = context(artifacts, snakemake.input, snakemake.params, made_with())
        write_table(told["items"], output.checklists, "checklists")
        cards = {
            "Model card": (output.model_card, told["model_card"]),
            "Datasheet": (output.datasheet, told["datasheet"]),
        }
        for title, (path, sections) in cards.items():
            text = render(
                "cards.md.jinja",
                title=title,
                sections=sections,
                about=told["about"],
                leaks=told["leaks"],
            )
            Path(path).write_text(text, encoding="utf-8")
        page = render("page.html.jinja", **told)
        Path(output.page).write_text(page, encoding="utf-8")
        filled = (told["items"]["status"] == "filled").sum()
        print(
            f"{len(page):,} characters; {filled} of {len(told['items'])} items of the checklists are filled"
        )
