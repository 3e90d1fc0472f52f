"""From stamps to what the network sees: normalisation, stretch and the test-time core mask."""
