"""The use cases: a file each, large ones a folder.

None reads a clock or the network by itself: time and ports are handed in.
"""
