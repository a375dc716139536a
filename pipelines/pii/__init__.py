"""Personal data in text: find it, mask it, count what is left."""
