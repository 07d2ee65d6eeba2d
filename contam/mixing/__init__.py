"""Does a mixture of real and synthetic text push a model toward collapse: measured effect, forecast, verdict."""
