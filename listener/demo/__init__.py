"""
The demo's own MongoDB and sample catalogue; the only code that ever writes to a
database, and only to its own.
"""
