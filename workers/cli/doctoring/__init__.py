"""What `cadencia doctor` looks at, by kind. Each check yields findings, and mends nothing."""
