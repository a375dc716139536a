"""What a data card says of a candidate: figures, funnel, changes, samples and origins as typed facts."""
