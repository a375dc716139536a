"""Expectation suites: reading them, holding them against figures, and the verdict."""
