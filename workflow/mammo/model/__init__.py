"""Networks, their training, and predicting. Only this room imports Keras and TensorFlow."""
