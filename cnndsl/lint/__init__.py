"""What is reported of what was found: selection, configuration, ignore comments, a baseline."""
