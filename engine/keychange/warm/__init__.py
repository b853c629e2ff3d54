"""The warm path of ``check``: the last answer once more, where nothing it was made from changed."""
