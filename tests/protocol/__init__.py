"""Tests of the room protocol/: any bytes round-trip; conversations as splunkd holds them."""
