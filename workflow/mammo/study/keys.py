"""What may be given for a key of the configuration, as its field declares it, and in words."""

import json
from collections.abc import Iterable
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types

from mammo.settings import Section, default_of, extra

TYPES = {
    int: "a whole number",
    float: "a number",
    str: "text (not empty)",
    bool: "true or false",
    NoneType: "null",
    list: "a list",
    dict: "a section with keys of its own",
}


class Key(NamedTuple):
    """One key.

    `types` are those of its values, `choices` all its values where they can be listed, `limits`
    words such as 'at least 16', `item` what each item of a list is.
    """

    types: tuple[type, ...]
    choices: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    item: "Key | None" = None
    default: Any = None
    description: str = ""

    @property
    def range(self) -> str:
        """'"crop" or "full"' or 'at least 16, at most 1024'; '' where any value of its type is."""
        return ", ".join(map(as_yaml, self.choices)) or ", ".join(self.limits)

    @property
    def allowed(self) -> str:
        """What may be given, for a message."""
        return "allowed: " + self._words

    @property
    def _words(self) -> str:
        if self.choices:
            return self.range
        words = " or ".join(TYPES[kind] for kind in self.types)
        if self.item:
            words += f", not empty, none twice, of which each is {self.item._words}"
        return ", ".join([words, *self.limits])


@lru_cache(None)
def keys(section: type[Section]) -> dict[str, Key]:
    """The keys of a section, by name; those that are sections themselves have none to give."""
    return {
        name: _key(field.annotation, field.metadata)._replace(
            choices=_choices(field.annotation, extra(field)),
            default=default_of(field),
            description=field.description or "",
        )
        for name, field in section.model_fields.items()
        if section_of(section, name) is None
    }


@lru_cache(None)
def section_of(section: type[Section], name: str) -> type[Section] | None:
    """The model of a key that is a section itself; None where it is a value."""
    annotation: Any = section.model_fields[name].annotation
    is_section = isinstance(annotation, type) and issubclass(annotation, Section)
    return annotation if is_section else None


def _key(annotation: Any, metadata: Iterable[Any] = ()) -> Key:
    origin, arguments = get_origin(annotation), get_args(annotation)
    limits = tuple(filter(None, map(_limit, metadata)))
    if origin is Annotated:
        return _key(arguments[0], arguments[1:])
    if origin is Literal:
        return Key((str,))
    if origin in (Union, UnionType):
        return Key(arguments, limits=limits)
    if origin is list:
        return Key((list,), item=_key(arguments[0]))
    return Key((origin or annotation,), limits=limits)


def _choices(annotation: Any, noted: dict[str, Any]) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(noted.get("enum", ()))


def _limit(rule: Any) -> str:
    """A limit in words; that a text is not empty is said by its type."""
    words = {
        annotated_types.Ge: ("at least", "ge"),
        annotated_types.Gt: ("above", "gt"),
        annotated_types.Le: ("at most", "le"),
    }
    if type(rule) not in words:
        return ""
    text, attribute = words[type(rule)]
    return f"{text} {getattr(rule, attribute)}"


def as_yaml(value: Any, longest: int = 60) -> str:
    """A value as it would stand in a configuration file, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else text[: longest - 3] + "..."
