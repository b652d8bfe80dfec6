"""Files of clips that do not show who made them."""
