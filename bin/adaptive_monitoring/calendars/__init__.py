"""Business calendars: rules in a lookup, day types and windows out. Standard library only: runs on indexers."""
