"""Business calendars: rules in a lookup, day types and maintenance windows out. Standard library only: runs on indexers."""
