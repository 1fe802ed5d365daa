"""
How good the recommendations are on public catalogues, beside plain ways to make them.
"""
