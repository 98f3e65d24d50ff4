"""Libraries that are fetched after installation, when somebody asks: torch for NVIDIA's graphics cards."""
