"""The theory of collapse: small worlds simulated in seconds, each beside its closed form."""
