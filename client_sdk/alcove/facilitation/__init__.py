"""What only a facilitator does."""
