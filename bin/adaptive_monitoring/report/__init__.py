"""The printable page of a back-test: findings in, one self-contained HTML file out. Standard library only."""
