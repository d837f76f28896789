"""Detectors: one file each, one line in registry.py."""
