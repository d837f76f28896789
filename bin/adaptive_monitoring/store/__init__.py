"""Models as readable rows: base.py schema and contract, rows.py text and hashes, lookup.py CSV files, files.py disk."""
