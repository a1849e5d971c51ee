"""The tool in a browser: a front that browsers talk to, and one process with a scene of its own for each of them."""
