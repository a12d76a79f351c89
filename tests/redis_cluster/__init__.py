"""The Redis store on a Cluster of six servers, and two relays on it."""
