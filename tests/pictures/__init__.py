"""The pictures of docs/detection.md: cases found by rule in the shipped sample, drawn as SVG, described in figures."""
