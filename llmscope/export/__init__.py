"""Leaving the notebook."""
