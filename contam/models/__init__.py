"""Language models: finding and reading them, many copies in one program, decoding, the optimizer."""
