"""
A busy shop for an hour, looked at all the time; see `python -m tests.soak --help`.
"""
