"""What every room stands on: errors, files and locks, keyed draws, statistics, workers, progress. Imports no room."""
