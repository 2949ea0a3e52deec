"""Files, folders and processes of the add-on."""
