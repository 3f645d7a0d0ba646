"""The networks. Each is a short function from the image side in pixels to an uncompiled Keras model.

A model takes float images (side, side, 3) of 0 to 255 and gives the probability of malignant.
"""

import keras
from keras import layers


def seed_cnn(size):
    """The network of the original study; 822,337 weights at 64 x 64 pixels, 97.6 % of them in the first dense layer."""
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
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="seed_cnn",
    )
