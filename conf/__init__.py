"""Configuration of arcgate, composed by Hydra; installed as the package arcgate.conf."""
