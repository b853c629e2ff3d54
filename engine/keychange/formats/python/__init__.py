"""Python sources: string literals found by value and by address, replaced, and proven."""
