"""Real Redis servers for tests: one, or three with Sentinel, or a Cluster of six."""
