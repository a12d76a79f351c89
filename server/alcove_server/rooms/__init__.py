"""The rooms that have clients on this node, and what their rosters mean."""
