"""The sections of a configuration that say what is trained, and how."""

from typing import Literal

from mammo.model.networks import NETWORKS
from mammo.model.optimizers import OPTIMIZERS
from mammo.settings import Section, setting


class Network(Section):
    """The architecture, and the weights that it begins with."""

    name: str = setting("seed_cnn", "One of the networks below.", allowed=NETWORKS)
    weights: str = setting(
        "none",
        "What a backbone begins with. `none`: random weights, from the seed. `imagenet`: those that"
        " keras.applications publishes. Or a file of such weights, without their head: `.h5` as"
        " published, or `.weights.h5` or `.keras` that Keras saved; best an absolute path.",
        min_length=1,
    )


class Training(Section):
    """Optimisation, early stopping and the device."""

    epochs: int = setting(
        40, "Maximum number of epochs; early stopping usually ends sooner.", ge=1, le=10_000
    )
    batch_size: int = setting(64, "Images a step.", ge=1, le=65_536)
    optimizer: str = setting(
        "adam",
        "Optimiser. `adam`; `adamw`: Adam with decoupled weight decay; `sgd`: stochastic gradient"
        " descent with a momentum of 0.9, which needs a higher learning rate.",
        allowed=OPTIMIZERS,
    )
    learning_rate: float = setting(
        0.001, "Learning rate of the optimiser; 0.001 is Adam's default.", gt=0, le=1
    )
    schedule: Literal["constant", "cosine", "plateau"] = setting(
        "constant",
        "How the learning rate changes from epoch to epoch. `cosine`: falls from there to nearly 0"
        " along half a cosine, over all `training.epochs`, so set these to what training takes."
        " `plateau`: is halved when half of `training.patience` (rounded up) has passed without a"
        " lower validation loss. Of two phases the second has it.",
    )
    patience: int = setting(
        3,
        "Early stopping: training stops after this many epochs without a lower validation loss, and"
        " the weights of the best epoch are kept. Before fine-tuning nothing stops.",
        ge=1,
    )
    loss: Literal["binary_crossentropy", "focal"] = setting(
        "binary_crossentropy",
        "Loss function. `focal` (Lin et al., ICCV 2017, with a gamma of 2) weighs what is already"
        " right less. The validation loss is of the same kind: compare runs by metrics, not by"
        " loss.",
    )
    label_smoothing: float = setting(
        0,
        "Label smoothing: with 0.1 the labels 0 and 1 become 0.05 and 0.95, in validation too.",
        ge=0,
        le=0.5,
    )
    class_weights: Literal["none", "balanced"] = setting(
        "none",
        "Class weights in the training loss. `balanced`: each class is weighted by the inverse of"
        " its frequency. Probabilities are then too high for the rarer class, until they are"
        " calibrated.",
    )
    frozen_epochs: int = setting(
        5,
        "With `network.weights` alone: this many of `training.epochs` train only the head, at"
        " `training.learning_rate`. `0`: none. As many as `training.epochs`: the backbone stays"
        " frozen.",
        ge=0,
    )
    fine_tuning_rate: float = setting(
        0.00003, "The learning rate of the epochs after these.", gt=0, le=1
    )
    precision: Literal["float32", "mixed_bfloat16"] = setting(
        "float32",
        "`mixed_bfloat16`: computes in 16 bits where there is bfloat16 (CPUs with AVX512-BF16 or"
        " AMX, GPUs from Ampere on; elsewhere it is slower), with weights, output and predictions"
        " in 32.",
    )
    threads: int = setting(
        2,
        "TensorFlow's threads. Weights are the same, bit for bit, for the same number of threads,"
        " kind of CPU and lock; `--cores` does not change them.",
        ge=1,
        le=1024,
    )
    gpus: int = setting(
        0,
        "GPUs that each run asks for, and a cluster is asked for. `0`: the CPU, also where there is"
        " a GPU. Runs on one machine lease its GPUs, so that no two share one; several share each"
        " batch between them. Where there are fewer, these or the CPU will do, and the run's log"
        " says so. Weights differ between CPU, one GPU and several.",
        ge=0,
        le=16,
    )

    def used(self, network: Network) -> "Training":
        """The keys that a training depends on: a network with random weights has one phase."""
        unused = {"frozen_epochs", "fine_tuning_rate"} if network.weights == "none" else set()
        return self.only(type(self).model_fields.keys() - unused)


class Augmentation(Section):
    """Random changes of the training images, drawn anew each epoch; 0 switches one off."""

    rotation: float = setting(20, "Degrees, either way.", ge=0, le=180)
    shift: float = setting(0.2, "Fraction of the side, either way, along both axes.", ge=0, le=1)
    shear: float = setting(
        0.2,
        "Degrees, either way. The original's 0.2 is read as degrees, so it hardly shears at all.",
        ge=0,
        le=45,
    )
    zoom: float = setting(
        0.2, "Each axis is scaled by 1 - zoom to 1 + zoom, on its own.", ge=0, le=0.9
    )
    horizontal_flip: bool = setting(True, "Mirror every other image, on average.")
    test_views: int = setting(
        1,
        "Test-time augmentation: a probability is the mean over this many views of an image, itself"
        " and random warps in these ranges, the same for all images, networks and `snakemake"
        " predict`. Grad-CAM and features are of the image itself.",
        ge=1,
        le=64,
    )
