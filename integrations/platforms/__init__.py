"""The platforms a department publishes on. Each is one module behind the contract in `base`; none knows another."""
