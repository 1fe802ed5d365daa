"""
How far one machine goes: what a catalogue costs by its size, and the formulas of it.
"""
