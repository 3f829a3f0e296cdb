"""What a schema says: which names there are, and of which type.

Read `types` (the types themselves), then `annotations` (how Python types declare them), then `declarations` (a whole schema).
"""
