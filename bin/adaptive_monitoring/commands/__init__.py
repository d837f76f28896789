"""One module per command; base.py is their contract, options.py their grammar."""
