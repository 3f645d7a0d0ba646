"""Images a second in training with augmentation, against the limit.

The limit is `fit` on float32 arrays in memory, without augmentation.

The original network at 64 pixels, 64 images to a batch. The first epoch, which builds the graph,
does not count.
"""

import itertools
import statistics

import ways
from comparing import Ratio, apart

WAYS = {
    "limit": (ways.limit,),
    "ours": (ways.on_tensors,),
    "bfloat16": (ways.on_tensors, True, "mixed_bfloat16"),
    "not deterministic": (ways.on_tensors, False),
}
COMPARISONS = [
    ("training throughput with augmentation, against fit on arrays without", "ours", "limit", 0.95),
    ("the same with mixed_bfloat16, against fit in float32", "bfloat16", "limit", 1.6),
    ("training throughput, determinism on against off", "ours", "not deterministic", 0.95),
]


def has_bfloat16():
    """Whether this CPU has bfloat16 of its own: without it, mixed_bfloat16 is slower."""
    with open("/proc/cpuinfo") as file:
        return "bf16" in file.read()


def images_a_second(way, count, epochs):
    function, *rest = WAYS[way]
    ends = apart(ways.seconds, function, count, epochs, *rest)
    return count / statistics.median(b - a for a, b in itertools.pairwise(ends))


def ratios(quick):
    count, epochs, rounds = (1024, 4, 3) if quick else (2048, 5, 9)
    wanted = [one for one in COMPARISONS if one[1] != "bfloat16" or has_bfloat16()]
    taking_turns = dict.fromkeys(way for _, *pair, _ in wanted for way in pair)
    rates = [
        {way: images_a_second(way, count, epochs) for way in taking_turns} for _ in range(rounds)
    ]
    for measure, ours, theirs, at_least in wanted:
        yield Ratio(measure, [(rate[ours], rate[theirs]) for rate in rates], at_least)
