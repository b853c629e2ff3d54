"""Room of the transaction: the only thing in keychange that writes to a user's files.

Each part is imported from the module that holds it: who only reads loads no writer.
"""
