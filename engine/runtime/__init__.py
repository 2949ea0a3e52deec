"""What runs any family: devices, batches, autoencoders, downloads."""
