"""What the core is given by its surroundings."""
