"""A mock survey on disk: the mock's galaxies painted into bricks, with catalogues and files as the Legacy Surveys have them."""
