"""Secrets: sealed to the worker on their way in, sealed under a key-encryption key where they rest."""
