"""The heart: pure kernels on floats and arrays, and the values they run on."""
