"""The site, where pairs agree, confirm and plan, and HR sees the whole program. Never imports `workers`."""
