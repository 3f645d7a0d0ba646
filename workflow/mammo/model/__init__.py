"""Networks, their training, and what trained ones are asked. Keras and TensorFlow are imported here alone."""
