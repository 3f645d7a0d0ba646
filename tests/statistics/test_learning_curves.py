"""Learning curves: the histories of all runs as one table."""

import pytest

from helpers.simulated import history
from mammo.statistics.learning_curves import curve
from mammo.tables import run_of


def test_curves_hold_every_run_and_epoch():
    table = curve({("baseline", 0, 1): history(5, 2), ("baseline", 0, 2): history(7, 4)}, "loss")
    assert len(table) == 2 * (5 + 7)
    row = table.query("seed == 2 and partition == 'validation' and epoch == 4").iloc[0]
    assert (row["value"], row["kept"]) == (pytest.approx(1.1 / 4), 1)
    assert run_of("results/runs/baseline/fold0-seed12/history.csv") == ("baseline", 0, 12)
