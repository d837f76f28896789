"""Measures speed, start-up, sizes, memory and detection quality: `python build.py bench [id or prefix ...]`.

catalogue.py has every scenario id; report.py compares with baseline.json. Nothing here fails because of time.
"""
