"""
What a shop's documents call things: found out from a sample, and kept in a file.
"""
