"""
How good the recommendations are, in numbers and to look at.
"""
