"""What is done to data: pure functions over Arrow batches, one folder per domain."""
