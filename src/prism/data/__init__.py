"""Class lists with word senses, folders and archives of real images, and tar shards of synthetic ones."""
