"""What is said after predicting, and what predicting leaves as it is."""

from mammo.study.closing import prediction_words
from mammo.study.names import image_name
from mammo.study.settings import Predict, Study


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
        "Predicted malignant at the Youden threshold: 1 of 2",
        "Predicted malignant at the threshold for 0.90 sensitivity: 2 of 2",
        "Predicted malignant at the threshold of 0.5: 0 of 2",
    ]
    assert words[4].startswith("1 bear a warning")


def test_an_image_name_is_the_same_with_and_without_predicting():
    predicting = Study.default(predict=Predict(images="x", model="y"))
    assert image_name(predicting.image) == image_name(Study.default().image)
