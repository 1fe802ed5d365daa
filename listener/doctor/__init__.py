"""
What keeps the listener from working well, and what to do about it.
"""
