"""Figures about a candidate version: what the gate judges and the data card shows."""
