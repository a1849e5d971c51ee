"""How good every method is: accuracy against the bound, robustness, uncertainty, and studies, from one command."""
