"""Choosing one of several answers without knowing which is right, from what they do on shared tests.

A pass matrix holds a row per answer and a column per test, True where the answer passes. A test here is any yes or no
about an executed answer: "agrees with the first answer's outputs on generated input 3" is one (see ``agreement``).
"""
