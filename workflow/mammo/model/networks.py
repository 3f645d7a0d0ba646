"""The networks that `network.name` can be, each described in one place: a function and its mark.

A network is a function from the image side in pixels to an uncompiled Keras model. The model takes
float images (side, side, 3) in the range 0–255. Its last layer gives the probability of malignant,
in float32 whatever the other layers compute in.

To add one, write a function marked `@_network`: its docstring describes it in the model card. For a
backbone of keras.applications, mark a function from the image to the backbone without its head with
`@_backbone(...)`.

NETWORKS is read while the Snakefile is parsed, so Keras is imported only to build a network.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

PUBLISHED = "https://storage.googleapis.com/tensorflow/keras-applications/"
DROPOUT = 0.3  # as in the original study
HEAD = f"global average pooling, dropout of {DROPOUT}, and one sigmoid unit."  # on each backbone
# Of batch normalisation's moving statistics. An epoch may have few steps: with the usual 0.9 to
# 0.999, validation would see statistics near their initial values for many epochs, and early
# stopping would end the training before it has begun.
MOMENTUM = 0.5
# Mean and standard deviation of ImageNet's red, green and blue, in the range 0–1.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Published:
    """ImageNet weights of a backbone without its head, as keras.applications publishes them.

    file: its path below PUBLISHED. digest: its MD5 or SHA-256, in hexadecimal. parameters: how many
    the backbone has, by which a file of another network is recognised.
    """

    file: str
    digest: str
    parameters: int

    @property
    def address(self) -> str:
        """The URL of the file."""
        return PUBLISHED + self.file


@dataclass(frozen=True)
class Architecture:
    """What is known of a network without building it.

    build: from the image side in pixels to the model. smallest: the smallest side that it takes.
    published: the weights that it can begin with; None where it can only begin with random ones.
    """

    name: str
    description: str
    build: Callable[[int], keras.Model]
    smallest: int = 0
    published: Published | None = None


NETWORKS: dict[str, Architecture] = {}


def build(name: str, size: int, precision: str = "float32") -> keras.Model:
    """The network of that name for images of size x size, uncompiled.

    It computes in `precision`; its parameters are float32.
    """
    import keras

    keras.config.set_dtype_policy(precision)
    try:
        return NETWORKS[name].build(size)
    finally:
        keras.config.set_dtype_policy("float32")


def load_model(path: str | Path) -> keras.Model:
    """The model in a .keras file, for predicting."""
    import keras

    return keras.models.load_model(path, compile=False)


def _network(function: Callable[[int], keras.Model]) -> Callable[[int], keras.Model]:
    """Enter a function from the image side to a model into NETWORKS."""
    name = function.__name__
    NETWORKS[name] = Architecture(name, _words(function), function)
    return function


def _backbone(smallest: int, published: Published) -> Callable:
    """Enter a function from the image to a backbone into NETWORKS, with a head on the backbone."""

    def entered(function: Callable) -> Callable[[int], keras.Model]:
        name = function.__name__
        description = f"{_words(function).removesuffix('.')}; {HEAD}"

        @functools.wraps(function)
        def with_head(size: int) -> keras.Model:
            import keras

            image = keras.Input((size, size, 3), name="image")
            features = function(image).output
            for layer in _head():
                features = layer(features)
            model = keras.Model(image, features, name=name)
            for layer in model.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = MOMENTUM
            return model

        NETWORKS[name] = Architecture(name, description, with_head, smallest, published)
        return with_head

    return entered


def _words(function: Callable) -> str:
    """The docstring of a function on one line."""
    return " ".join((function.__doc__ or "").split())


def _head() -> list[keras.layers.Layer]:
    """What turns feature maps into a probability: HEAD says it in words."""
    from keras import layers

    return [
        layers.GlobalAveragePooling2D(name="pooled"),  # where fine_tuning.py divides the model
        layers.Dropout(DROPOUT),
        layers.Dense(1, activation="sigmoid", dtype="float32"),
    ]


def _standardised(image: keras.KerasTensor) -> keras.KerasTensor:
    """Red, green and blue minus ImageNet's mean, in units of its standard deviation."""
    from keras import layers

    # Not by a Normalization layer: one that comes first is not exported to ONNX.
    scale = [1 / (255 * sd) for sd in SD]
    offset = [-mean / sd for mean, sd in zip(MEAN, SD, strict=True)]
    return layers.Rescaling(scale, offset)(image)


@_network
def seed_cnn(size: int) -> keras.Model:
    """The original study's network: two convolutions of 32 and 64 filters of 3 x 3 with ReLU, each
    followed by 2 x 2 max pooling, a dense layer of 64 with dropout of 0.3, and one sigmoid unit. At
    64 x 64 pixels 97.6 % of its parameters are in the dense layer."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((size, size, 3), name="image"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(DROPOUT),
            layers.Dense(1, activation="sigmoid", dtype="float32"),
        ],
        name="seed_cnn",
    )


@_network
def gap_cnn(size: int) -> keras.Model:
    """A small network whose number of parameters does not grow with the image: four convolutions of
    16, 32, 64 and 128 filters of 3 x 3, each batch-normalised, with ReLU and 2 x 2 max pooling in
    between; global average pooling, dropout of 0.3, and one sigmoid unit."""
    import keras
    from keras import layers

    blocks: list[keras.layers.Layer] = []
    for filters in (16, 32, 64, 128):
        if blocks:
            blocks.append(layers.MaxPooling2D())
        blocks.append(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        blocks.append(layers.BatchNormalization(momentum=MOMENTUM))
        blocks.append(layers.ReLU())
    image = keras.Input((size, size, 3), name="image")
    return keras.Sequential([image, layers.Rescaling(1 / 255), *blocks, *_head()], name="gap_cnn")


@_backbone(
    smallest=32,
    published=Published(
        "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        digest="d3e8ec802a04aa4fc771ee12a9a9b836",
        parameters=939_120,
    ),
)
def mobilenet_v3_small(image: keras.KerasTensor) -> keras.Model:
    """MobileNetV3-Small (A. Howard et al., ICCV 2019), of depthwise separable convolutions."""
    from keras import applications

    return applications.MobileNetV3Small(include_top=False, weights=None, input_tensor=image)


@_backbone(
    smallest=32,
    published=Published(
        "efficientnet_v2/efficientnetv2-b0_notop.h5",
        digest="893217f2bb855e2983157299931e43ff",
        parameters=5_919_312,
    ),
)
def efficientnet_v2_b0(image: keras.KerasTensor) -> keras.Model:
    """EfficientNetV2-B0 (M. Tan and Q. V. Le, ICML 2021)."""
    from keras import applications

    return applications.EfficientNetV2B0(include_top=False, weights=None, input_tensor=image)


@_backbone(
    smallest=32,
    published=Published(
        "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="30ee3e1110167f948a6b9946edeeb738",
        parameters=7_037_504,
    ),
)
def densenet121(image: keras.KerasTensor) -> keras.Model:
    """DenseNet-121 (G. Huang et al., CVPR 2017)."""
    from keras import applications

    image = _standardised(image)
    return applications.DenseNet121(include_top=False, weights=None, input_tensor=image)


@_backbone(
    smallest=32,
    published=Published(
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="4d473c1dd8becc155b73f8504c6f6626",
        parameters=23_587_712,
    ),
)
def resnet50(image: keras.KerasTensor) -> keras.Model:
    """ResNet-50 (K. He et al., CVPR 2016)."""
    import keras
    from keras import applications, layers

    # Its published weights expect blue, green and red, minus their means, and not scaled.
    bgr = keras.ops.flip(image, axis=-1)
    shifted = layers.Rescaling([1.0, 1.0, 1.0], [-103.939, -116.779, -123.68])(bgr)
    return applications.ResNet50(include_top=False, weights=None, input_tensor=shifted)


@_backbone(
    smallest=32,
    published=Published(
        "convnext/convnext_tiny_notop.h5",
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        parameters=27_820_128,
    ),
)
def convnext_tiny(image: keras.KerasTensor) -> keras.Model:
    """ConvNeXt-Tiny (Z. Liu et al., CVPR 2022)."""
    from keras import applications

    return applications.ConvNeXtTiny(
        include_top=False,
        include_preprocessing=False,
        weights=None,
        input_tensor=_standardised(image),
    )
