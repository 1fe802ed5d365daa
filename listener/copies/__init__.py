"""
Generations that another listener has published, brought into a store.
"""
