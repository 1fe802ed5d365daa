"""
A shop under continual faults, for minutes or hours; see `python -m tests.chaos --help`.
"""
