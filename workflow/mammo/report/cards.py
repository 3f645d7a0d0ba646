"""The model card and the datasheet: what this study's settings and tables say under each heading, and what is left open.

Headings after M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019, doi 10.1145/3287560.3287596, and T. Gebru et al.,
Datasheets for Datasets, Communications of the ACM 64 (2021) 86, doi 10.1145/3458723. A line that begins with OPEN is one that only
a person can fill.
"""

from mammo.model.networks import NETWORKS

OPEN = "open: "
REGIONS = {
    "crop": "the published crop of a lesion",
    "context": "a lesion with its surroundings, cut from the full image",
    "full": "a whole mammogram",
}
OF_OWN = {
    "crop": "an image as the table or folder names it, taken for a crop of a lesion"
}  # where nothing was published
METHODS = {
    "official": "the dataset's test rows are the test partition; validation is drawn from the rest",
    "fractions": "test and validation are drawn",
    "folds": "each image is test in one fold; validation is drawn from the rest of it",
    "hash": "a hash of the name decides",
}
LOSSES = {"binary_crossentropy": "binary cross-entropy", "focal": "focal loss (gamma of 2)"}
BALANCE = {
    "none": "Classes are not weighted: nothing was done about their imbalance.",
    "balanced": "Classes are weighted so that both count alike.",
}
CBIS = {"kaggle", "dicom"}
OWN = {"table", "folder"}
CITATION = (
    "R. Sawyer-Lee et al., Curated Breast Imaging Subset of Digital Database for Screening Mammography (CBIS-DDSM), The Cancer Imaging "
    "Archive, 2016, doi 10.7937/K9/TCIA.2016.7O02S9CY; described in R. S. Lee et al., Scientific Data 4 (2017) 170177, doi 10.1038/sdata.2017.177"
)


def model_card(study, edition, answer, results, versions, weights):
    """[(heading, lines)] of the model card. study: the baseline's settings; answer: as mammo.report.answer gives it; results: lines of metrics; weights: their number."""
    image, training, augmentation = study["image"], study["training"], study["augmentation"]
    flip = ", mirrored every other time" if augmentation["horizontal_flip"] else ""
    return [
        (
            "Model details",
            [
                f"A convolutional network (deep learning) of {weights:,} weights, `{study['network']['name']}` of `workflow/mammo/model/networks.py`. "
                + NETWORKS[study["network"]["name"]].description,
                f"Input: {shown(study, edition)}, {image['size']} x {image['size']} pixels, grey levels of 0 to 255, which the network scales itself; "
                f"fitted to the square by: {image['fit']}. No other input: nothing that readers wrote, no age, no history. {_beginning(study)}",
                "Output: the probability of malignant, and the same after temperature scaling on validation. `thresholds.csv` says from where on it means malignant.",
                f"Training: Adam, learning rate {training['learning_rate']:g} ({training['schedule']}), {LOSSES[training['loss']]}{_smoothed(training)}, batches of "
                f"{training['batch_size']}, at most {training['epochs']} epochs; it stops after {training['patience']} without a lower validation loss, "
                f"and the weights of the best epoch are the final model. {BALANCE[training['class_weights']]} Computed in {training['precision']}.",
                f"Augmentation of training images: rotation by up to {augmentation['rotation']:g} degrees, shift by {augmentation['shift']:g} of the side, "
                f"shear by {augmentation['shear']:g} degrees, zoom by {augmentation['zoom']:g}{flip}.{_views(augmentation)}",
                f"Seeds: {', '.join(map(str, study['seeds']))}. Made with {versions}.",
                OPEN
                + "who is responsible, how to reach them, under which licence the weights are given on.",
            ],
        ),
        (
            "Intended use",
            [
                "Research and teaching: an honest baseline, and a measure of what goes wrong in such studies.",
                "Not for clinical use: not for screening, not for diagnosis, not as a second reader. It sees no patient, only "
                + (
                    "a whole image."
                    if image["region"] == "full"
                    else "an image of a lesion that somebody has already found."
                ),
                OPEN + "which question your study is to answer.",
            ],
        ),
        (
            "Factors",
            [
                "Subgroups by what the dataset tells (kind, view, side, density, subtlety, assessment, size): `plots/forest.csv`, where it is there.",
                OPEN + "age, ethnicity, scanner and site, which the dataset's tables may not have.",
            ],
        ),
        (
            "Metrics",
            [
                "AUROC first; accuracy beside that of the commoner class; sensitivity, specificity, predictive values, calibration and net benefit, by image, "
                "lesion, breast and patient, with intervals by drawing patients. Thresholds are chosen on validation alone.",
            ],
        ),
        (
            "Evaluation data",
            [
                f"The test partition of the {edition} edition: {METHODS[study['split']['method']]}. Kept together: {_kept(study)}."
            ],
        ),
        (
            "Training data",
            [
                "The training partition of the same dataset; see `datasheet.md` and `characteristics.html`."
            ],
        ),
        (
            "Quantitative analyses",
            [*answer["warnings"], answer["lead"], *answer["sentences"], *results],
        ),
        (
            "Ethical considerations",
            [
                "A missed cancer and a false alarm harm people; the probabilities are of this dataset, in which malignant lesions are far more frequent than in screening.",
                OPEN + "approval, consent, and who could be harmed by your use of it.",
            ],
        ),
        (
            "Caveats and recommendations",
            [
                "Tested on one dataset. Before anything else, test it on images of another source, and compare with a reader.",
                "Read the controls first: what tells the classes apart without the lesion may be what the network has learnt.",
            ],
        ),
    ]


def _beginning(study):
    """What the weights are before training, in words."""
    name, weights = study["network"]["name"], study["network"]["weights"]
    if weights == "none":
        return "Weights begin at random (Keras' defaults), from the seed; nothing is pretrained."
    source = (
        f"from ImageNet ({NETWORKS[name].published.address})"
        if weights == "imagenet"
        else f"from the file {weights}"
    )
    training = study["training"]
    return (
        f"The backbone's weights come {source}; for {training['frozen_epochs']} epochs the head alone is trained, then all but batch "
        f"normalisation at a learning rate of {training['fine_tuning_rate']:g}."
    )


def _smoothed(training):
    return (
        f" with labels smoothed by {training['label_smoothing']:g}"
        if training["label_smoothing"]
        else ""
    )


def _views(augmentation):
    views = augmentation["test_views"]
    return (
        f" Probabilities are means over {views} views of an image: itself, and such warps."
        if views > 1
        else ""
    )


def datasheet(study, edition, numbers, fingerprint):
    """[(heading, lines)] of the datasheet. numbers: lines about what the dataset holds; fingerprint: of inventory/fingerprint.json."""
    known = {
        "phantom": _phantom(study),
        **dict.fromkeys(CBIS, _cbis()),
        **dict.fromkeys(OWN, _own()),
    }[edition]
    image = study["image"]
    return [
        ("Motivation", known["motivation"]),
        (
            "Composition",
            [*numbers, f"{fingerprint['files']:,} files, {fingerprint['bytes'] / 1e6:,.1f} MB, fingerprint `{fingerprint['fingerprint']}` "
             "of names, sizes and tables.", *known["composition"]],
        ),
        ("Collection process", known["collection"]),
        (
            "Preprocessing, cleaning and labelling",
            [
                "Every file's header is read; what is missing, broken or not an image is left out and listed in `inventory/excluded.csv`, with the reason. Crops and "
                "masks are told apart by description, bit depth or pixels.",
                f"Each image is decoded once, to {image['size']} x {image['size']} pixels of 8 bits by area average ({shown(study, edition)}). "
                "What does not decode is listed too.",
                "Files that show the same are found, by bytes, pixels or a perceptual hash: `inventory/duplicates.csv`. "
                "Lesions that are benign in one view and malignant in the other are listed, and keep the labels they have: `inventory/conflicts.csv`.",
                *known["labels"],
            ],
        ),
        ("Uses", ["Here: to train and to test a classifier of benign and malignant lesions.", *known["uses"]]),
        ("Distribution", known["distribution"]),
        ("Maintenance", known["maintenance"]),
    ]  # fmt: skip


def shown(study, edition):
    """What an image of the study shows, in words."""
    region = study["image"]["region"]
    return (OF_OWN if edition in OWN else {}).get(region, REGIONS[region])


def _kept(study):
    return {"patient": "all images of a patient"}.get(
        study["split"]["by"],
        f"images of one {study['split']['by']}, and no more, so that patients leak",
    )


def _phantom(study):
    phantom = study["phantom"]
    return {
        "motivation": ["Drawn by the workflow itself, so that it can be tried and tested without a download; it stands for no patients."],
        "composition": [
            f"{phantom['patients']} made-up patients, seed {phantom['seed']}: breasts with smooth or spiculated masses and coarse or fine "
            f"calcifications; {100 * phantom['lookalikes']:g} % of the lesions are drawn like the other class. Traps, such as a truncated file or patients in both "
            "partitions, are planted and listed in `phantom/planted.csv`.",
            "There is nobody to be identified.",
        ],
        "collection": ["A program; no devices, no patients, no consent to ask for."],
        "labels": ["The label is the one that a lesion was made for: the truth, except that lookalikes do not show it."],
        "uses": ["Good for nothing else: a network that does well here says nothing about mammograms."],
        "distribution": ["With the workflow, MIT licence. Never as mammograms."],
        "maintenance": ["With the workflow; the same seed and version give the same images."],
    }  # fmt: skip


def _cbis():
    return {
        "motivation": [f"Made by others, to give research on computer-aided diagnosis of mammograms a common dataset: {CITATION}."],
        "composition": [
            "Digitised film mammograms from the DDSM (1990s, several sites in the USA), with crops and masks of masses and calcifications, in the official "
            "training and test partitions. Published without names; the patient ids are made up.",
            OPEN + "age, ethnicity and scanner, which the case tables do not give.",
        ],
        "collection": [
            "Retrospective: chosen by its makers from the DDSM's screening examinations; this workflow takes what is published.",
            OPEN + "how patients were asked and who approved it: see the dataset's paper.",
        ],
        "labels": [
            "Malignant and benign come from the tables' pathology; `BENIGN_WITHOUT_CALLBACK` is counted as benign, and was not always proven by biopsy. "
            "Assessment (BI-RADS), density and subtlety are a reader's, and never an input of the network.",
        ],
        "uses": ["Film of the 1990s is not today's digital mammography, and lesions that were selected for a dataset are not those of screening."],
        "distribution": ["The Cancer Imaging Archive, CC BY 3.0; a JPEG copy on Kaggle. Not part of this workflow, which can download it."],
        "maintenance": ["The DICOM files by The Cancer Imaging Archive; the JPEG copy by whoever put it on Kaggle."],
    }  # fmt: skip


def _own():
    unknown = OPEN + "only you can tell; the workflow knows no more than the table and the files."
    return {
        "motivation": [unknown],
        "composition": [OPEN + "who the patients are, how they were chosen, what was de-identified and how."],
        "collection": [OPEN + "where, when and with which devices the images were taken, with whose consent and approval."],
        "labels": ["Labels are taken as they were given.", OPEN + "how benign and malignant were established, and by whom."],
        "uses": [OPEN + "what it should not be used for."],
        "distribution": [OPEN + "who may have it, and under which licence."],
        "maintenance": [OPEN + "who keeps it."],
    }  # fmt: skip
