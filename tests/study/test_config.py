"""The configuration: what is refused, how it is told, and that schema, defaults and documentation agree."""

import copy
import csv
import itertools
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helpers.project import ROOT
from mammo.study.ownership import claim_results, closing_words, other_owner, owner
from mammo.study.settings import (
    SCHEMA,
    image_name,
    mistakes,
    overlays,
    read_config,
    split_name,
    studies,
    typed,
)

DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text())


def changed(**sections):
    config = copy.deepcopy(DEFAULT)
    for section, part in sections.items():
        if isinstance(part, dict):
            config.setdefault(section, {}).update(part)
        else:
            config[section] = part
    return config


def test_the_default_configuration_is_valid():
    assert mistakes(DEFAULT) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name
)
def test_each_overlay_is_valid_but_for_the_path_it_waits_for(path, tmp_path):
    overlay = yaml.safe_load(path.read_text())
    config = changed(**overlay)
    if config["dataset"]["edition"] != "phantom":
        assert any(
            f"the {config['dataset']['edition']} edition needs it" in line
            for line in mistakes(config)
        )
        config["dataset"]["path"] = str(tmp_path)
    config["dataset"] |= {"table": {"table": "lesions.csv"}, "folder": {"patient": "P[0-9]+"}}.get(
        config["dataset"]["edition"], {}
    )
    assert mistakes(config) == []


def test_all_mistakes_are_listed_at_once_with_file_key_value_and_what_is_allowed():
    layers = [
        ("--config", {"image": {"size": 0}}),
        ("mine.yaml", {"training": {"epoch": 3, "patience": "three"}}),
    ]
    config = changed(
        image={"size": 0},
        training={"epoch": 3, "patience": "three"},
        sedes=[1],
        split={"method": "lesion"},
    )
    assert mistakes(config, [*layers, ("config/config.yaml", DEFAULT)]) == [
        "--config: image.size: 0 is not allowed; allowed: a whole number, at least 16, at most 1024",
        'config/config.yaml: split.method: "lesion" is not allowed; allowed: "official", "fractions", "folds", "hash"',
        "mine.yaml: training.epoch (3): unknown key, did you mean training.epochs?",
        'mine.yaml: training.patience: "three" is not allowed; allowed: a whole number, at least 1',
        "sedes ([1]): unknown key, did you mean seeds?",
    ]


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        ({"learning_rate": 0.1}, "learning_rate (0.1): unknown key, did you mean training.learning_rate?"),
        ({"training": {"learning_rate": 0}}, "training.learning_rate: 0 is not allowed; allowed: a number, above 0, at most 1"),
        ({"dataset": '{path: D, patient: "P(\\d+)"}'}, "cannot be read as YAML (found unknown escape character 'd'); text with a backslash goes between single quotes"),
        ({"seeds": [1, 1]}, "seeds: [1, 1] is not allowed; allowed: a list, not empty, none twice, of which each is a whole number, at least 0, at most 2147483647"),
        ({"dataset": {"edition": "kaggel"}}, 'dataset.edition: "kaggel" is not allowed; allowed: "phantom", "kaggle", "dicom", "table", "folder"'),
        ({"dataset": {"path": "/data"}}, 'dataset.path: "/data", but the phantom edition has no path'),
        ({"dataset": {"edition": "kaggle"}}, "dataset.path: null, but the kaggle edition needs it"),
        ({"dataset": {"edition": "kaggle", "path": "/does/not/exist"}}, "dataset.path: '/does/not/exist' does not exist; give"),
        ({"dataset": {"edition": "kaggle", "path": "not/absolute"}}, "(read from "),
        ({"dataset": {"edition": "kaggle", "path": str(SCHEMA)}}, "is not a folder"),
        ({"dataset": {"edition": "table", "path": "/"}}, "dataset.table: null, but the table edition needs it"),
        ({"dataset": {"edition": "kaggle", "path": "/", "table": "x.csv"}}, "the kaggle edition has no table"),
    ],
)  # fmt: skip
def test_a_mistake_is_told(sections, wanted):
    lines = mistakes(changed(**sections))
    assert len(lines) == 1
    assert wanted in lines[0]


def test_a_network_that_cannot_be_is_told_with_the_experiment_that_wants_it():
    assert (
        '"seed_cnn", "gap_cnn", "mobilenet_v3_small"'
        in mistakes(changed(network={"name": "resnet"}))[0]
    )
    experiments = {
        "tiny": {"image": {"size": 16}},
        "grid": {"network.name": ["gap_cnn", "densenet121"], "image": {"size": 24}},
        "sound": {"network": {"name": "gap_cnn"}, "image": {"size": 16}},
        "gap": {"network": {"name": "gap_cnn", "weights": "imagenet"}},
        "longer": {"training": {"epochs": 60}},
    }
    layers = [("mine.yaml", {"experiments": experiments})]
    found = mistakes(changed(network={"name": "resnet50"}, experiments=experiments), layers)
    assert len(found) == 3
    assert found[0].startswith(
        "mine.yaml: experiments.gap: network.weights: 'imagenet', but gap_cnn begins at random"
    )
    assert found[1].startswith(
        "mine.yaml: experiments.grid: grid_name_densenet121: image.size: 24, but the network densenet121 takes no images"
    )
    assert found[2].startswith(
        "mine.yaml: experiments.tiny: image.size: 16, but the network resnet50 takes no images of fewer than 32"
    )
    # What is wrong with the study itself is told once, and not of each experiment.
    [line] = mistakes(
        changed(network={"name": "resnet50"}, image={"size": 16}, experiments={"longer": {}})
    )
    assert line.startswith("image.size: 16, but the network resnet50")


def test_a_missing_key_is_told():
    config = copy.deepcopy(DEFAULT)
    del config["training"]["patience"]
    assert mistakes(config) == ["training.patience: missing; allowed: a whole number, at least 1"]


def test_text_from_the_command_line_becomes_what_the_schema_wants():
    given = {
        "training": {"epochs": "3", "learning_rate": "1e-3"},
        "seeds": ["1", "2"],
        "augmentation": {"horizontal_flip": "false"},
    }
    given["dataset"] = {"edition": "table", "path": "123", "table": "null"}
    read = typed(given)
    assert read["training"]["epochs"] == 3
    assert read["training"]["learning_rate"] == 0.001
    assert read["seeds"] == [1, 2]
    assert read["augmentation"]["horizontal_flip"] is False
    assert read["dataset"] == {"edition": "table", "path": "123", "table": None}


def test_the_same_settings_are_the_same_whatever_named_them_first_and_however_they_are_written():
    restated = {
        "seeds": [1.0],
        "split": {"seed": 1.0, "validation": "0.2"},
        "training": {"patience": 3, "epochs": "40"},
    }
    for section, part in DEFAULT.items():  # as Snakemake merges: an overlay's keys come first
        restated[section] = (
            {
                **restated.get(section, {}),
                **{k: v for k, v in part.items() if k not in restated.get(section, {})},
            }
            if isinstance(part, dict)
            else restated.get(section, part)
        )
    assert json.dumps(typed(restated)) == json.dumps(typed(DEFAULT))
    assert split_name(typed(restated)) == split_name(DEFAULT)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("split", "validation", float("nan")),
        ("augmentation", "shift", ".nan"),
        ("training", "learning_rate", "inf"),
        ("split", "seed", 2**32),
        ("image", "size", 64.5),
    ],
)
def test_numbers_that_no_step_can_use_are_refused(section, key, value):
    lines = mistakes(typed(changed(**{section: {key: value}})))
    assert len(lines) == 1
    assert f"{section}.{key}" in lines[0]


def test_an_experiment_is_an_overlay_on_the_study():
    config = changed(
        experiments={"larger": {"image": {"size": 128}}, "seeds_2_3": {"seeds": [2, 3]}}
    )
    found = studies(config)
    assert list(found) == ["baseline", "larger", "seeds_2_3"]
    assert found["baseline"] == {
        key: value for key, value in DEFAULT.items() if key != "experiments"
    }
    assert found["larger"] == found["baseline"] | {"image": DEFAULT["image"] | {"size": 128}}
    assert found["seeds_2_3"]["seeds"] == [2, 3]
    text = changed(experiments={"larger": {"image": {"size": "128.0"}}})
    assert typed(text)["experiments"] == {"larger": {"image": {"size": 128}}}


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        ({"Large": {}}, 'experiments: "Large" is not allowed; the name of an experiment'),
        ({"baseline": {}}, "is not baseline"),
        (
            {"a": 3},
            "experiments.a: 3 is not allowed; allowed: a section with keys of its own (image, split,",
        ),
        (
            {"a": {"dataset": {}}},
            "experiments.a.dataset ({}): unknown key, or one that an experiment cannot change",
        ),
        ({"a": {"image": {"sise": 32}}}, "experiments.a.image.sise (32): unknown key"),
        (
            {"a": {"training": {"epochs": 0}}},
            "experiments.a.training.epochs: 0 is not allowed; allowed: a whole",
        ),
        ({"a": {"seeds": [1, 1]}}, "experiments.a.seeds: [1, 1] is not allowed"),
    ],
)
def test_an_experiment_that_is_none_is_refused(experiments, said):
    lines = mistakes(typed(changed(experiments=experiments)))
    assert len(lines) == 1
    assert said in lines[0]


def test_a_grid_is_an_experiment_for_each_combination():
    grid = {
        "image.size": [64, 128],
        "training.learning_rate": [0.001, 0.00001],
        "training": {"epochs": 5},
    }
    found = overlays(changed(experiments={"g": grid, "plain": {"image": {"size": 32}}}))
    assert found == {
        "g_size64_learning_rate0.001": {
            "image": {"size": 64},
            "training": {"epochs": 5, "learning_rate": 0.001},
        },
        "g_size64_learning_rate0.00001": {
            "image": {"size": 64},
            "training": {"epochs": 5, "learning_rate": 0.00001},
        },
        "g_size128_learning_rate0.001": {
            "image": {"size": 128},
            "training": {"epochs": 5, "learning_rate": 0.001},
        },
        "g_size128_learning_rate0.00001": {
            "image": {"size": 128},
            "training": {"epochs": 5, "learning_rate": 0.00001},
        },
        "plain": {"image": {"size": 32}},
    }


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ({"image.size": [64, 128]}, ["g_size128"]),  # 64 is the baseline
        ({"image.size": [32], "image.fit": ["pad", "crop"]}, ["g_fit_pad", "g_fit_crop"]),
        ({"image.size": [32]}, ["g"]),
        ({"augmentation.horizontal_flip": [True, False], "seeds": [2]}, ["g_horizontal_flip_true", "g_horizontal_flip_false"]),
    ],
)  # fmt: skip
def test_a_grid_names_what_varies_and_leaves_the_baseline_out(grid, names):
    assert list(overlays(changed(experiments={"g": grid}))) == names


@given(
    st.dictionaries(
        st.sampled_from(
            ["image.size", "training.epochs", "training.batch_size", "split.seed", "split.folds"]
        ),
        st.lists(st.integers(16, 40), min_size=1, max_size=4, unique=True),
        min_size=1,
    )
)
def test_a_grid_makes_all_combinations_under_names_of_their_own(grid):
    config = changed(experiments={"g": grid | {"seeds": [7]}})  # so that none is the baseline
    assert mistakes(config) == []
    found = studies(config)
    assert all(re.fullmatch(r"[a-z][a-z0-9_.]*", name) for name in found)
    made = [
        [study[key.split(".")[0]][key.split(".")[1]] for key in grid] for study in found.values()
    ]
    wanted = [list(values) for values in itertools.product(*grid.values())]
    assert sorted(made[1:]) == sorted(wanted)  # the first is the baseline


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        ({"g": {"image.sise": [32]}}, "mine.yaml: experiments.g.image.sise ([32]): unknown key, did you mean image.size?"),
        ({"g": {"phantom.seed": [1, 2]}}, "experiments.g.phantom.seed ([1, 2]): unknown key"),
        ({"g": {"image.size": 32}}, "experiments.g.image.size: 32 is not allowed; allowed: a list, not empty, none twice"),
        ({"g": {"split.folds": [3, 3]}}, "experiments.g.split.folds: [3, 3] is not allowed; allowed: a list, not empty, none twice"),
        ({"g": {"image.size": [32, 8]}}, "experiments.g.image.size.1: 8 is not allowed; allowed: a whole number, at least 16"),
        ({"g_size32": {"seeds": [2]}, "g": {"image.size": [32, 64]}}, "mine.yaml: experiments.g: makes an experiment g_size32, as does experiments.g_size32"),
        ({"g" * 200: {}}, "is no longer than 150"),
        ({"g" * 145: {"image.size": [32, 64]}}, "has 152 characters"),
    ],
)  # fmt: skip
def test_a_grid_that_is_none_is_refused(experiments, said):
    config = typed(changed(experiments=experiments))
    lines = mistakes(config, [("mine.yaml", {"experiments": config["experiments"]})])
    assert len(lines) == 1
    assert said in lines[0]


def test_a_key_that_a_file_holds_twice_is_told(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seeds: [1]\nexperiments:\n  a: {seeds: [2]}\n  b: {}\n  a: {seeds: [3]}\n")
    with pytest.raises(ValueError, match=r"mine\.yaml: line 5: a is there twice"):
        read_config(path)
    path.write_text("seeds: [1]\n")
    assert read_config(path) == {"seeds": [1]}
    path.write_text("")
    assert read_config(path) == {}


def keys(schema, path=()):
    for name, part in schema["properties"].items():
        if "properties" in part:
            yield from keys(part, (*path, name))
        else:
            yield ".".join((*path, name))


def test_every_key_is_documented_with_its_default():
    text = (ROOT / "config/README.md").read_text()
    documented = dict(re.findall(r"^\| `([\w.]+)` \| `(.*?)` \|", text, re.MULTILINE))
    assert set(documented) == set(keys(yaml.safe_load(SCHEMA.read_text())))
    for key, value in documented.items():
        default = DEFAULT
        for part in key.split("."):
            default = default[part]
        assert yaml.safe_load(value) == default, key


def test_names_tell_apart_what_differs():
    names = {
        split_name(changed(split=part))
        for part in [
            {},
            {"seed": 12345678},
            {"seed": 12345679},
            {"validation": 0.25},
            {"validation": 0.2500001},
            {"method": "fractions"},
            {"method": "fractions", "test": 0.3},
        ]
    }
    assert len(names) == 7
    assert image_name(DEFAULT) != image_name(changed(image={"size": 65}))


def test_a_dataset_is_the_same_however_its_path_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    written = [
        ("data", "a/t.csv"),
        (f"{tmp_path}/data/", "./a/t.csv"),
        (f"{tmp_path}/x/../data", "a//t.csv"),
    ]
    owners = [
        owner(changed(dataset={"edition": "table", "path": path, "table": table}), tmp_path)
        for path, table in written
    ]
    assert owners[0] == owners[1] == owners[2]


def test_results_of_another_dataset_are_not_touched(tmp_path):
    record = tmp_path / "results" / "dataset.json"
    record.parent.mkdir()
    mine = owner(DEFAULT, tmp_path)
    assert other_owner(record, mine) is None
    claim_results(record, mine | {"edition": "table"})
    assert (
        other_owner(record, mine) is None
    )  # a run that failed at once leaves a record, but no results
    (tmp_path / "results/inventory").mkdir()
    assert other_owner(record, mine) is None
    (tmp_path / "results/inventory/lesions.csv").touch()
    claim_results(record, mine)
    assert other_owner(record, mine) is None
    record.write_text('{"edition": "kaggle", "path": "/data/kaggle", "table": null}')
    message = other_owner(record, mine)
    assert "the kaggle edition, path /data/kaggle" in message
    assert "--directory" in message
    record.write_text("{")
    assert f"write into it: {json.dumps(mine)}" in other_owner(record, mine)


STEPS = ["inventory", "tensors/crop-64"]


def test_a_run_closes_with_what_was_left_out(tmp_path):
    assert list(closing_words(tmp_path, STEPS)) == []  # nothing was made yet
    for folder in ("inventory", "tensors/crop-64", "plots"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "inventory/excluded.csv").write_text(
        "image_id,patient_id,reason,detail\na,p,missing_file,x\nb,p,missing_file,y\n"
    )
    (tmp_path / "tensors/crop-64/excluded.csv").write_text("image_id,patient_id,reason,detail\n")
    assert next(closing_words(tmp_path, STEPS)).startswith("Left out: missing_file 2. ")


def test_a_run_closes_with_its_test_metrics_and_how_sure_they_are(tmp_path):
    columns = ["experiment", "of", "fold", "seed", "partition", "level", "metric"]
    columns += ["value", "low", "high", "confidence", "sd", "runs", "n", "reason"]
    measured = {
        "auroc": ["", "", "", "", "", 12, 8, "not defined: no image is benign"],
        "accuracy": [0.75, 0.5, 0.875, 0.95, "", 12, 8, ""],
        "majority_class_accuracy": [0.5, 0.25, 0.75, 0.95, "", 12, 8, ""],
    }

    def words(*results):
        lines = [[*of, "test", level, metric, *values] for of in results for metric, values in measured.items()
                 for level in ("image", "patient")]  # fmt: skip
        with open(tmp_path / "metrics.csv", "w", newline="") as file:
            csv.writer(file).writerows([columns, *lines])
        return list(closing_words(tmp_path, STEPS))

    run = "AUROC none (not defined: no image is benign), accuracy 0.750 [0.500 to 0.875], majority class 0.500; 8 images."
    single = words(["baseline", "run", 0, 1])
    assert single == [
        f"Test, baseline, fold 0, seed 1: {run}",
        f"All metrics, by image, lesion, breast and patient: {tmp_path / 'metrics.csv'}. In brackets: 95 % intervals, by drawing patients.",
    ]
    measured["auroc"][:7] = [0.8, 0.7, 0.9, 0.95, 0.01, 12, 8]
    many = words(
        *(["baseline", "run", 0, seed] for seed in range(12)), ["baseline", "mean", "", ""]
    )
    assert many[0].startswith(
        "Test, baseline, mean of 12 runs: AUROC 0.800 ± 0.010 (SD) [0.700 to 0.900], "
    )
    assert len(many) == 11
    assert many[-1].startswith("3 more, and all metrics, by image, ")
