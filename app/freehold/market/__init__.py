"""Compute of other machines: offers, jobs, leases, receipts and checks, and lending this machine to others."""
