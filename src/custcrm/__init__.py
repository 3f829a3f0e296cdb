"""custcrm: ask for customers in one small language, then act on exactly those people, once."""
