"""Host galaxies: the embedded mock survey and stamp packs behind one `Survey`."""
