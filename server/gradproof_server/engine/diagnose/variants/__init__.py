"""The table of variants, by what they alter."""
