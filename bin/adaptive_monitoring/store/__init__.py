"""Models as readable rows: base.py schema and contract, rows.py text and hashes, paths.py, lookup.py, files.py CSV."""
