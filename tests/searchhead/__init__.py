"""A driver that plays splunkd for our command scripts: a test instrument, not a product."""

from searchhead.head import Result, SearchHead
from searchhead.table import Table

__all__ = ["Result", "SearchHead", "Table"]
