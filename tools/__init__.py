"""The rooms behind build.py: what it packages, fetches and checks. Standard library only, Python 3.9 and later; no part of the app."""
