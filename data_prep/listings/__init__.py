"""Listings: the official lists of each dataset as video records."""
