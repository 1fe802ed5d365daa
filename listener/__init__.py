"""
The daemon that follows the collection and is the only writer of the store.
"""
