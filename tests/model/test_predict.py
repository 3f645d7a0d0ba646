"""What is said after predicting."""

from helpers.project import ROOT
from mammo.study.ownership import prediction_words
from mammo.study.settings import image_name


def test_the_closing_words_count_what_was_predicted(tmp_path):
    assert list(prediction_words(tmp_path / "none.csv")) == []
    columns = "file,problem,youden,sensitivity_90,half,warnings,model,dataset,leaks"
    rows = [
        "a,,malignant,malignant,benign,unlike,m,d,",
        "b,,benign,malignant,benign,,m,d,",
        "c,empty,,,,,m,d,",
    ]
    (tmp_path / "p.csv").write_text("\n".join([columns, *rows]))
    words = list(prediction_words(tmp_path / "p.csv"))
    assert words[0] == "Predicted by m, trained on dataset d: 2 of 3 files. Not for clinical use."
    assert words[1:4] == [
        "Malignant at youden: 1",
        "Malignant at sensitivity_90: 2",
        "Malignant at half: 0",
    ]
    assert words[4].startswith("1 bear a warning")


def test_an_image_name_is_the_same_with_and_without_predicting():
    import yaml

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert image_name(config | {"predict": {"images": "x", "model": "y"}}) == image_name(config)
