"""The editions: each module here holds the record of one format in which a dataset comes."""

from importlib import import_module
from pkgutil import iter_modules

from mammo.dataset.edition import Edition

EDITIONS: dict[str, Edition] = {
    module.name: import_module(f"{__name__}.{module.name}").EDITION
    for module in iter_modules(__path__)
}
