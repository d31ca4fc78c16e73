"""The SimPy processes of the programming visit, one module a phase."""
