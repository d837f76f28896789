"""The rooms behind build.py: what it packages, fetches and checks. Standard library only; no part of the app."""
