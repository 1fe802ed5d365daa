"""
MongoDB, and nothing else: the only place that follows it through its driver.
"""
