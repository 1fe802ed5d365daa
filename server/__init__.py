"""
The server that answers from the latest published generation.
"""
