"""The Legacy Surveys' own files: where they lie, how they are read, and galaxies cut out of their bricks."""
