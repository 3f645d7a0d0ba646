"""A reference of training images, as exported networks have one."""

import numpy as np

from mammo.model.ood import (
    FEATURES,
    STATISTICS,
    Reference,
    limit,
    spread,
    statistic_names,
    usual_range,
)


def small_reference(images: int = 60) -> Reference:
    """A reference of images around one place, for ROI crops."""
    rng = np.random.default_rng(1)
    names = statistic_names("crop")
    values = {
        FEATURES: rng.normal(size=(images, 5)),
        STATISTICS: rng.normal(size=(images, len(names))),
    }
    scale = {name: spread(part, 1e-6) for name, part in values.items()}
    limits = {name: limit(part, scale[name], range(images)) for name, part in values.items()}
    low, high = usual_range(values[STATISTICS])
    return Reference(values, scale, limits, low, high, names)
