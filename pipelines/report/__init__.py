"""The data card of a snapshot: its facts as JSON and as one self-contained page."""
