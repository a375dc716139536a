"""How a pipeline runs: declared jobs, datasets, snapshots, storage, engines, effects, configuration, command line."""
