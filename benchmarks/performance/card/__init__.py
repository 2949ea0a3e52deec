"""All that is to be known of a graphics card, in one call of a few minutes: piece after piece."""
