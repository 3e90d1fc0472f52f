"""What gates measure on stamps: features, and how planted leaks show in them. Pure."""
