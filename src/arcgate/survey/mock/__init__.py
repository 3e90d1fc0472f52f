"""The embedded mock survey: luminous red galaxies with neighbours, PSF, depth and noise like those of the Legacy Surveys."""
