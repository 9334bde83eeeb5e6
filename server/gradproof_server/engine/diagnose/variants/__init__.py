"""The table of variants, by what they alter."""

from ..variant import Variant

TABLE: tuple[Variant, ...] = ()
