"""What takes long on real Redis servers: failovers, kills and searches for what is left."""
