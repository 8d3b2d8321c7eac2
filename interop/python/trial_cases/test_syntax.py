"""
A module that is no Python.
"""

def test(:
