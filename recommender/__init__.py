"""
The model: products in, ranked neighbours out; knows neither MongoDB nor HTTP.
"""
