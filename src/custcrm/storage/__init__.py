"""Stores: where records are kept, found and guarded; `protocol` says what a store is, `deeds` what it is asked to do."""
