"""What the hub cache holds of a model: inspected file by file, nothing loaded."""
