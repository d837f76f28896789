"""The engine: numpy only, no Splunk; usable as a plain Python library."""
