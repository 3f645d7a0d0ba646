"""Get CBIS-DDSM as DICOM from the Imaging Data Commons, through idc-index; a second call goes on, or verifies that all is there."""

from mammo.dataset.download.idc import main
from mammo.log import step

if __name__ == "__main__":
    with step(snakemake):
        main(snakemake.params.path, snakemake.output[0])
