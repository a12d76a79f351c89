"""What the core needs of its surroundings."""
