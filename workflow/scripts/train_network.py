"""Train one network on one fold with one seed, and predict every image of the manifest with it."""

from pathlib import Path

from mammo.dataset.tensors import Shards
from mammo.log import step
from mammo.model import training as library
from mammo.model.augmentation import prediction_views
from mammo.model.devices import use_devices
from mammo.model.networks import load_model
from mammo.model.settings import Augmentation, Network, Training
from mammo.tables import read_table, write_table

if __name__ == "__main__":
    with step(snakemake):
        inputs, output, params = snakemake.input, snakemake.output, snakemake.params
        fold, seed = int(snakemake.wildcards.fold), int(snakemake.wildcards.seed)
        network, training = Network(**params.network), Training(**params.training)
        augmentation = Augmentation(**params.augmentation)

        images = library.decoded_images(
            read_table(inputs.manifest, "manifest"),
            read_table(inputs.index, "index"),
            fold,
            inputs.manifest,
            Path(inputs.index).with_name("excluded.csv"),
        )
        if params.shuffled_labels:
            images = library.dealt_labels(images, seed)
            print("a control: labels are permuted among patients, so there is nothing to learn")
        origin = {column: images[column].iloc[0] for column in ("dataset", "leaks")}
        pixels = Shards(inputs.pixels)

        strategy = use_devices(training.threads, training.gpus)
        from mammo.model.checkpoint import remove

        files = [inputs.manifest, inputs.index, *inputs.pixels, *inputs.weights]
        sections = [training.model_dump(), augmentation.model_dump()]
        of = (fold, seed, network.name, *sections, params.shuffled_labels, params.code)
        saved = params.checkpoint, library.checkpoint_key(files, *of)
        weights = inputs.weights[0] if inputs.weights else None
        with strategy.scope():
            model, history = library.train_network(
                pixels, images, seed, network.name, training, augmentation, saved, weights
            )
        library.save_model(model, output.model, origin)
        if training.gpus > 1:  # from here on one GPU, which takes a batch of one image too
            model = load_model(output.model)
        write_table(history.assign(**origin), output.history, "history")
        views = prediction_views(pixels.shape[1], augmentation)
        predictions = library.predict(model, pixels, images, training.batch_size, views)
        write_table(predictions, output.predictions, "predictions")
        remove(params.checkpoint)
