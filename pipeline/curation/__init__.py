"""Which right answers are worth training on: one filter per file, each with a reason for everything it drops.

A filter is a ``Config`` and a function ``apply(rows, config)`` that returns candidate id -> reason. It sees the light
``Features`` of the candidates, never their texts, and its answer must not depend on the order of the rows.
"""
