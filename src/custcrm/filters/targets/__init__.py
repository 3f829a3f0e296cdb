"""What a lowered filter is compiled to: functions over the nodes of `lowered`, without a rule of the language."""
