"""The hub: six systems into one PostgreSQL, every day.

sources ─▶ bronze ─▶ enrichment ─▶ silver
"""
