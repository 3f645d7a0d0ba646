"""Networks as ONNX models: what onnxruntime computes is what Keras does."""

import os
import subprocess
import sys

import pytest

from helpers.project import ROOT


@pytest.mark.slow
def test_a_network_with_a_backbone_in_half_precision_exports_and_agrees(tmp_path):
    """Layers within layers, normalisation with constants, an activation by itself; two seeds."""
    code = f"""
import numpy as np
import keras
from keras import layers
from mammo.model.exported import as_input, open_session, run
from mammo.model.export import export, joined

folder = {str(tmp_path)!r}
keras.mixed_precision.set_global_policy("mixed_float16")
for seed in (1, 2):
    keras.utils.set_random_seed(seed)
    inner = keras.Input((32, 32, 3))
    out = layers.Normalization(mean=[100.0, 110, 120], variance=[900.0, 800, 700])(inner)
    out = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, activation="swish")(out))
    backbone = keras.Model(inner, layers.GlobalAveragePooling2D()(out), name="backbone")
    image = keras.Input((32, 32, 3), name="image")
    out = layers.Dense(1)(layers.Dropout(0.5)(backbone(image)))
    out = layers.Activation("sigmoid", dtype="float32")(out)
    keras.Model(image, out).save(f"{{folder}}/{{seed}}.keras")
keras.mixed_precision.set_global_policy("float32")  # it is another process that exports
paths = [f"{{folder}}/{{seed}}.keras" for seed in (1, 2)]
model = joined(paths)
export(model, f"{{folder}}/model.onnx", "words")
pixels = np.random.default_rng(0).integers(0, 256, (70, 32, 32), dtype=np.uint8)
probability, features = run(open_session(f"{{folder}}/model.onnx", 32), pixels)
assert features.shape == (70, 16), features.shape
by_keras = model.predict(as_input(pixels), verbose=0)["probability"][:, 0]
assert np.abs(by_keras - probability).max() < 1e-5
networks = [keras.saving.load_model(path, compile=False) for path in paths]
each = [network.predict(as_input(pixels), verbose=0)[:, 0] for network in networks]
assert np.ptp(probability) > 1e-4
# The study predicted in half precision.
assert np.abs(np.mean(each, axis=0) - probability).max() < 5e-3
"""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/workflow", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
