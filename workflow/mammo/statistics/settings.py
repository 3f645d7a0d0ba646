"""The section of a configuration that says how results are judged."""

from mammo.settings import Section, setting


class Evaluation(Section):
    """The bootstrap behind the confidence intervals."""

    draws: int = setting(
        2000,
        "Number of bootstrap replicates of the patients.",
        ge=100,
        le=1_000_000,
    )
    confidence: float = setting(
        0.95,
        "Confidence level of the intervals (0.95 gives 95 % confidence intervals).",
        ge=0.5,
        le=0.999,
    )
    seed: int = setting(
        1,
        "Seed of the bootstrap. With 2,000 replicates another one moves the ends of an interval by"
        " little.",
        ge=0,
        le=4_294_967_295,
    )
