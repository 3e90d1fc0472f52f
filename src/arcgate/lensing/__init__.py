"""Pure physics: deflection, light profiles, PSFs, rendering."""
