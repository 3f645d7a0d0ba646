"""What the sections of a configuration have in common.

Each room declares the sections that its functions take, in its own settings.py;
mammo.study.settings puts them together. A key is one field of a section: its type, its limits,
its default and the text that config/README.md prints of it.
"""

from collections.abc import Iterable
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A section of a configuration: all of its keys are required, and no other is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _registered(cls, value: Any, info: ValidationInfo) -> Any:
        """A value that has to be a name in a registry is one."""
        choices = extra(cls.model_fields[str(info.field_name)]).get("enum")
        if choices and value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(map(str, choices))}")
        return value

    @classmethod
    def default(cls, **changes: Any) -> Self:
        """The section as config/config.yaml has it, with some keys changed."""
        return cls(
            **{name: default_of(field) for name, field in cls.model_fields.items()} | changes
        )

    def only(self, names: Iterable[str]) -> Self:
        """This section with every key beside `names` at its default.

        Two studies that differ only in keys that a step does not use then hand it the same section.
        """
        return type(self).default(**{name: getattr(self, name) for name in names})


def setting(
    default: Any, description: str, *, allowed: Iterable[str] | None = None, **limits: Any
) -> Any:
    """Declare a key of a Section.

    `default` is what config/config.yaml gives, `description` what config/README.md says of the key;
    its first sentence becomes the comment in config/config.yaml. `allowed` names the values that
    are possible where they come from a registry rather than a Literal; `limits` are pydantic's
    (ge, gt, le, min_length).
    """
    extra = {"default_value": default}
    if allowed is not None:
        extra["enum"] = list(allowed)
    return Field(description=description, json_schema_extra=extra, **limits)


def default_of(field: FieldInfo) -> Any:
    """The default of a key, as it was given to `setting`; of a section, the section at its own."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
        return field.annotation.default()
    return extra(field)["default_value"]


def extra(field: FieldInfo) -> dict[str, Any]:
    """What `setting` noted of a key beside its type: default_value, and enum where it has one."""
    return cast(dict[str, Any], field.json_schema_extra or {})
