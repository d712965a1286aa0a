"""Looking for leaks and damage in a prepared dataset."""
