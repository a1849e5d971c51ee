"""What a protocol will give before it is scanned: expected precision, verdicts, and better protocols."""
