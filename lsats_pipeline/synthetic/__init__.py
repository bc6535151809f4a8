"""Synthetic worlds: realistic data with known truth, written only to demo and test databases."""
