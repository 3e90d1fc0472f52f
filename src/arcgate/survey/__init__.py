"""Host galaxies: parents as declared (embedded mock survey, stamp packs), and those that were cut out."""
