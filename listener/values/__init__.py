"""
From what a document holds at a field to a value of its type, bounded and clean.
"""
