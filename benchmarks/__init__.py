"""
What Evershelf costs, each time beside what people would otherwise use.
"""
