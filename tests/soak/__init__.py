"""What stays behind: hours of rooms, after which the relay must be as it was when it started."""
