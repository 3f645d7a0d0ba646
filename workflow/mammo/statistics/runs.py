"""The metrics of one run, each partition and level on its own, recomputable from its predictions.csv."""

from mammo.log import InputError, some


def refuse_strangers(predictions, images, path):
    """Raise InputError unless the predictions are of exactly these `images`, the manifest's rows that decoded, as it has them."""
    wanted = images.assign(label=(images["label"] == "malignant").astype(int))
    columns = ["image_id", "patient_id", "partition", "label"]
    joined = (
        predictions[columns]
        .astype({"label": int})
        .merge(wanted[columns], how="outer", indicator=True)
    )
    if (strange := joined["_merge"] != "both").any():
        raise InputError(
            f"{path}: missing, or not the manifest's patient, partition and label: {some(joined.loc[strange, 'image_id'].unique())}. "
            "Delete the file to predict again."
        )
