"""
Jobs that others put into a BullMQ queue, done by the listener beside.
"""
