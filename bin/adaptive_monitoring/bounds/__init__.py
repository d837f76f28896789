"""Bounds lookups, standard library only: derive.py from models, table.py the file, pointwise.py scores on indexers."""
