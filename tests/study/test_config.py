"""The configuration: what is refused and how, and that models and documentation agree."""

import copy
import itertools
import json
import re
from functools import reduce
from operator import attrgetter, getitem

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helpers.project import ROOT
from mammo.dataset.settings import Image
from mammo.split.settings import Split
from mammo.study.experiments import overlays, studies
from mammo.study.mistakes import mistakes
from mammo.study.names import image_name, split_name
from mammo.study.reference import written
from mammo.study.settings import Configuration, Study, read_config, typed

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
        "--config: image.size: 0 is not allowed; allowed: a whole number, at least 16,"
        " at most 1024",
        'config/config.yaml: split.method: "lesion" is not allowed; allowed:'
        ' "official", "fractions", "folds", "hash"',
        "mine.yaml: training.epoch (3): unknown key, did you mean training.epochs?",
        'mine.yaml: training.patience: "three" is not allowed; allowed: a whole number, at least 1',
        "sedes ([1]): unknown key, did you mean seeds?",
    ]


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        (
            {"learning_rate": 0.1},
            "learning_rate (0.1): unknown key, did you mean training.learning_rate?",
        ),
        (
            {"training": {"learning_rate": 0}},
            "training.learning_rate: 0 is not allowed; allowed: a number, above 0, at most 1",
        ),
        (
            {"dataset": '{path: D, patient: "P(\\d+)"}'},
            "cannot be read as YAML (found unknown escape character 'd'); text with a"
            " backslash goes between single quotes",
        ),
        (
            {"seeds": [1, 1]},
            "seeds: [1, 1] is not allowed; allowed: a list, not empty, none twice, of"
            " which each is a whole number, at least 0, at most 2147483647",
        ),
        (
            {"dataset": {"edition": "kaggel"}},
            'dataset.edition: "kaggel" is not allowed; allowed: "dicom", "folder",'
            ' "kaggle", "phantom", "table"',
        ),
        (
            {"dataset": {"path": "/data"}},
            'dataset.path: "/data", but the phantom edition has no path',
        ),
        ({"dataset": {"edition": "kaggle"}}, "dataset.path: null, but the kaggle edition needs it"),
        (
            {"dataset": {"edition": "kaggle", "path": "/does/not/exist"}},
            "dataset.path: '/does/not/exist' does not exist; give",
        ),
        ({"dataset": {"edition": "kaggle", "path": "not/absolute"}}, "(read from "),
        ({"dataset": {"edition": "kaggle", "path": str(ROOT / "Snakefile")}}, "is not a folder"),
        (
            {"dataset": {"edition": "table", "path": "/"}},
            "dataset.table: null, but the table edition needs it",
        ),
        (
            {"dataset": {"edition": "kaggle", "path": "/", "table": "x.csv"}},
            "the kaggle edition has no table",
        ),
    ],
)
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
        "mine.yaml: experiments.grid: grid_name_densenet121: image.size: 24, but the"
        " network densenet121 takes no images"
    )
    assert found[2].startswith(
        "mine.yaml: experiments.tiny: image.size: 16, but the network resnet50 takes"
        " no images of fewer than 32"
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
    assert studies(typed(restated)) == studies(DEFAULT)


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
    assert found["baseline"] == Study.default()
    assert found["larger"] == Study.default(image=Image.default(size=128))
    assert found["seeds_2_3"].seeds == [2, 3]
    text = changed(experiments={"larger": {"image": {"size": "128.0"}}})
    assert typed(text)["experiments"] == {"larger": {"image": {"size": 128}}}


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        ({"Large": {}}, 'experiments: "Large" is not allowed; the name of an experiment'),
        ({"baseline": {}}, "is not baseline"),
        (
            {"a": 3},
            "experiments.a: 3 is not allowed; allowed: a section with keys of its own"
            " (image, split,",
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
        (
            {"augmentation.horizontal_flip": [True, False], "seeds": [2]},
            ["g_horizontal_flip_true", "g_horizontal_flip_false"],
        ),
    ],
)
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
    made = [[attrgetter(key)(study) for key in grid] for study in found.values()]
    wanted = [list(values) for values in itertools.product(*grid.values())]
    assert sorted(made[1:]) == sorted(wanted)  # the first is the baseline


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        (
            {"g": {"image.sise": [32]}},
            "mine.yaml: experiments.g.image.sise ([32]): unknown key, did you mean image.size?",
        ),
        ({"g": {"phantom.seed": [1, 2]}}, "experiments.g.phantom.seed ([1, 2]): unknown key"),
        (
            {"g": {"image.size": 32}},
            "experiments.g.image.size: 32 is not allowed; allowed: a list, not empty, none twice",
        ),
        (
            {"g": {"split.folds": [3, 3]}},
            "experiments.g.split.folds: [3, 3] is not allowed; allowed: a list, not empty,"
            " none twice",
        ),
        (
            {"g": {"image.size": [32, 8]}},
            "experiments.g.image.size.1: 8 is not allowed; allowed: a whole number, at least 16",
        ),
        (
            {"g_size32": {"seeds": [2]}, "g": {"image.size": [32, 64]}},
            "mine.yaml: experiments.g: makes an experiment g_size32, as does experiments.g_size32",
        ),
        ({"g" * 200: {}}, "is no longer than 150"),
        ({"g" * 145: {"image.size": [32, 64]}}, "has 152 characters"),
    ],
)
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


@pytest.mark.parametrize("name", ["config/config.yaml", "config/README.md"])
def test_the_reference_is_what_the_models_say(name):
    """Where it is not: `make reference` writes both files anew."""
    assert dict(written())[ROOT / name] == (ROOT / name).read_text(encoding="utf-8")


def test_every_key_is_documented_with_its_default():
    text = (ROOT / "config/README.md").read_text()
    documented = dict(re.findall(r"^\| `([\w.]+)` \| `(.*?)` \|", text, re.MULTILINE))
    default = Configuration.default().model_dump()
    assert set(documented) == {
        f"{section}.{key}" if isinstance(part, dict) and part else section
        for section, part in default.items()
        for key in (part if isinstance(part, dict) and part else [section])
    }
    for key, value in documented.items():
        assert yaml.safe_load(value) == reduce(getitem, key.split("."), default), key


@pytest.mark.parametrize("section", Configuration.model_fields)
def test_every_section_is_required(section):
    config = {name: part for name, part in DEFAULT.items() if name != section}
    [line] = mistakes(config)
    assert line.startswith(f"{section}: missing; allowed: ")


@pytest.mark.parametrize("name", ["on", "no", "null"])
def test_a_name_that_yaml_reads_as_something_else_is_to_be_quoted(name):
    config = changed(**yaml.safe_load(f"experiments: {{{name}: {{seeds: [2]}}}}"))
    [line] = mistakes(typed(config), [("mine.yaml", config)])
    assert line.startswith("mine.yaml: experiments: ")
    assert "put the name of the experiment in quotes" in line


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("seeds: [1] # für".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine\.yaml: is not UTF-8 text"):
        read_config(path)


def test_names_tell_apart_what_differs():
    names = {
        split_name(Split.default(**part), Image.default())
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
    assert image_name(Image.default()) != image_name(Image.default(size=65))
