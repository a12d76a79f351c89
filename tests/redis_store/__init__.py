"""The Redis store on real servers: one, or three with Sentinel, or a Cluster of six."""
