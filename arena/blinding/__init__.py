"""Files of clips that do not show which model made them."""
