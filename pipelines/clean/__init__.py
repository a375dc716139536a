"""Normalise and filter text: language, named signals, rules."""
