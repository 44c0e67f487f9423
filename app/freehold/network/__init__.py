"""The one door to the outside: outbound HTTP, its ledger and the offline switch."""
