"""The cluster bootstrap: whole patients, the same in blocks of any size."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from helpers.simulated import simulated
from mammo.statistics.bootstrap import BLOCK, ClusterBootstrap, Replicates
from mammo.statistics.units import units_of


def test_a_replicate_takes_whole_patients_and_is_what_repeating_their_rows_gives():
    units = units_of(simulated(np.random.default_rng(3), 30), "image", "crop").assign(majority=0)
    patients, place = np.unique(units["patient_id"].to_numpy(str), return_inverse=True)
    bootstrap = ClusterBootstrap(patients, Replicates(len(patients), 50, 7), 0.95)
    assert np.array_equal(bootstrap.place(units), place)
    (drawn,) = bootstrap.replicates.blocks()
    assert (drawn.sum(1) == len(patients)).all()
    assert np.array_equal([drawn], [*Replicates(len(patients), 50, 7).blocks()])
    assert not np.array_equal([drawn], [*Replicates(len(patients), 50, 8).blocks()])
    assert np.array_equal([drawn[:, place]], [*bootstrap.weights(units)])
    found = bootstrap.metrics(units)["auroc"]
    for number in (0, 49):
        rows = np.concatenate(
            [
                np.flatnonzero(place == n)
                for n in np.repeat(np.arange(len(patients)), drawn[number].astype(int))
            ]
        )
        assert found[number] == pytest.approx(
            metrics.roc_auc_score(units["label"].iloc[rows], units["probability"].iloc[rows])
        )


@pytest.mark.parametrize("units", [0, BLOCK // 7, BLOCK, 10 * BLOCK])
def test_replicates_are_the_same_in_blocks_of_any_size_and_no_block_is_large(units):
    replicates = Replicates(13, 100, 7)
    blocks = [*replicates.blocks(units)]
    assert np.array_equal(np.concatenate(blocks), *replicates.blocks())
    assert max(map(len, blocks)) == (100 if not units else max(1, BLOCK // units))
    several = Replicates(5000, 100, 7)  # patients alone make several blocks
    assert len([*several.blocks()]) > 1
    names = np.array([f"P{n:04}" for n in range(5000)])
    bootstrap = ClusterBootstrap(names, several, 0.95)
    values = np.random.default_rng(1).integers(9, size=(5000, 2)).astype(float)
    at_once = np.random.default_rng(7).integers(5000, size=(100, 5000))
    sums = bootstrap.sums(pd.DataFrame({"patient_id": names}), values)
    np.testing.assert_array_equal(sums, values[at_once].sum(1))
