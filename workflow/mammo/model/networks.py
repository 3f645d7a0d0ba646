"""The networks. Each function whose name does not begin with _ is one, and its name is what `network.name` may be.

A network is a function from the image side in pixels to an uncompiled Keras model, which takes float images (side, side, 3)
of 0 to 255 and gives the probability of malignant from its last layer, in float32 whatever it computes in. To add one, add a
function: its docstring describes it in the model card. One on a backbone of keras.applications is a function from the image to
that backbone without its head, and says in `_backbone` what mammo/model/zoo.py reads there without importing Keras.
"""

import functools

import keras
from keras import applications, layers

DROPPED = 0.3  # share of the features that dropout leaves out, as the original study does
# Of batch normalisation's statistics. An epoch may have few steps: with the usual 0.9 to 0.999 validation would go by the
# statistics' starting values for many epochs, and stop the training before it has begun.
MOMENTUM = 0.5
MEAN, SPREAD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet's red, green and blue, of 0 to 1


def seed_cnn(size):
    """The original study's network: two convolutions of 32 and 64 filters of 3 x 3 with ReLU, each followed by 2 x 2 max
    pooling, a dense layer of 64 with dropout of 0.3, and one sigmoid unit. At 64 x 64 pixels 97.6 % of its weights sit in the dense layer."""
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
            layers.Dropout(DROPPED),
            layers.Dense(1, activation="sigmoid", dtype="float32"),
        ],
        name="seed_cnn",
    )


def gap_cnn(size):
    """A small network whose number of weights does not grow with the image: four convolutions of 16, 32, 64 and 128 filters of
    3 x 3, each batch-normalised, with ReLU and 2 x 2 max pooling in between; global average pooling, dropout of 0.3, and one sigmoid unit."""
    blocks = []
    for filters in (16, 32, 64, 128):
        blocks += [layers.MaxPooling2D()] if blocks else []
        blocks += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        blocks += [layers.BatchNormalization(momentum=MOMENTUM), layers.ReLU()]
    image = keras.Input((size, size, 3), name="image")
    return keras.Sequential([image, layers.Rescaling(1 / 255), *blocks, *_head()], name="gap_cnn")


def _head():
    """What turns feature maps into a probability. `pooled` divides the backbone from the head; see mammo/model/fine_tuning.py."""
    return [
        layers.GlobalAveragePooling2D(name="pooled"),
        layers.Dropout(DROPPED),
        layers.Dense(1, activation="sigmoid", dtype="float32"),
    ]


def _backbone(smallest, weights, published, digest):
    """Make a network of a function from the image to a backbone of keras.applications, as it is published without its head.

    smallest: side in pixels that it can take. weights: their number in the backbone, by which a file of another network is
    told. published: address of ImageNet's weights below that of keras.applications. digest: MD5 or SHA-256 of that file.
    """

    def with_head(backbone):
        @functools.wraps(backbone)
        def network(size):
            image = keras.Input((size, size, 3), name="image")
            features = backbone(image).output
            for layer in _head():
                features = layer(features)
            model = keras.Model(image, features, name=backbone.__name__)
            for layer in model.layers:
                if isinstance(layer, layers.BatchNormalization):
                    layer.momentum = MOMENTUM
            return model

        return network

    return with_head


def _standardised(image):
    """Red, green and blue less ImageNet's mean, in units of its spread. (A Normalization layer that comes first does not export to ONNX.)"""
    scale = [1 / (255 * spread) for spread in SPREAD]
    return layers.Rescaling(
        scale, [-mean / spread for mean, spread in zip(MEAN, SPREAD, strict=True)]
    )(image)


@_backbone(
    smallest=32,
    weights=939_120,
    published="mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    digest="d3e8ec802a04aa4fc771ee12a9a9b836",
)
def mobilenet_v3_small(image):
    """MobileNetV3-Small (A. Howard et al., ICCV 2019), of depthwise separable convolutions; global average pooling, dropout of 0.3, and one sigmoid unit."""
    return applications.MobileNetV3Small(include_top=False, weights=None, input_tensor=image)


@_backbone(
    smallest=32,
    weights=5_919_312,
    published="efficientnet_v2/efficientnetv2-b0_notop.h5",
    digest="893217f2bb855e2983157299931e43ff",
)
def efficientnet_v2_b0(image):
    """EfficientNetV2-B0 (M. Tan and Q. V. Le, ICML 2021); global average pooling, dropout of 0.3, and one sigmoid unit."""
    return applications.EfficientNetV2B0(include_top=False, weights=None, input_tensor=image)


@_backbone(
    smallest=32,
    weights=7_037_504,
    published="densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    digest="30ee3e1110167f948a6b9946edeeb738",
)
def densenet121(image):
    """DenseNet-121 (G. Huang et al., CVPR 2017); global average pooling, dropout of 0.3, and one sigmoid unit."""
    return applications.DenseNet121(
        include_top=False, weights=None, input_tensor=_standardised(image)
    )


@_backbone(
    smallest=32,
    weights=23_587_712,
    published="resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    digest="4d473c1dd8becc155b73f8504c6f6626",
)
def resnet50(image):
    """ResNet-50 (K. He et al., CVPR 2016); global average pooling, dropout of 0.3, and one sigmoid unit."""
    # Its published weights want blue, green and red, less their means, and not scaled.
    bgr = keras.ops.flip(image, axis=-1)
    shifted = layers.Rescaling([1.0, 1.0, 1.0], [-103.939, -116.779, -123.68])(bgr)
    return applications.ResNet50(include_top=False, weights=None, input_tensor=shifted)


@_backbone(
    smallest=32,
    weights=27_820_128,
    published="convnext/convnext_tiny_notop.h5",
    digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)
def convnext_tiny(image):
    """ConvNeXt-Tiny (Z. Liu et al., CVPR 2022); global average pooling, dropout of 0.3, and one sigmoid unit."""
    image = _standardised(image)
    return applications.ConvNeXtTiny(
        include_top=False, include_preprocessing=False, weights=None, input_tensor=image
    )
