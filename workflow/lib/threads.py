"""TensorFlow on a fixed number of threads, for every step that runs it."""

import os


def use_threads(threads):
    """Give TensorFlow exactly this many threads, on the CPU, in an order that is the same every time. Call it before TensorFlow runs."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
