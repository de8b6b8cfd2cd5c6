"""The GPU speed: `gpu/<topic>.py` holds the CuPy kernels of a topic, offered once they have run on a device."""
