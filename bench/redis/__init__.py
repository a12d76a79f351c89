"""What nodes on Redis cost beside the memory store, and what clients notice when servers fail."""
