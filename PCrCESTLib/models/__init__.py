"""The two-branch network: features, forward pass, training, bundled weights, inference."""
