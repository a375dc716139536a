"""From raw bytes to main text with its place in the page."""
