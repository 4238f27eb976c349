"""The use cases, one file each. None reads a clock or the network by itself: time and ports are handed in."""
