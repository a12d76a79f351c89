"""Group key agreement: Alcove's MLS beside the primitives it cannot do without, and ts-mls."""
