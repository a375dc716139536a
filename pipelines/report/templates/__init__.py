"""Templates and style sheet of the data card; a package, so that they are installed with the code."""
