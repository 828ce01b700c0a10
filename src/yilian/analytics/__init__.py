"""Flat tables out of nested records, and what is counted from them."""
