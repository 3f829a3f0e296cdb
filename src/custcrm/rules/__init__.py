"""Pure decisions: records and arguments in, records or a refusal out. No store, no clock."""
