"""What a value is: compared by what it holds, and never changed."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(made: type[T]) -> type[T]:
    """That nobody changes one is for mypy to see: a dataclass that guards itself at run time takes
    three times as long to be made, and each request makes dozens.
    """
    return dataclass(slots=True, unsafe_hash=True)(made)
