"""Exact and near-duplicates: shingles, signatures, and who stays."""
