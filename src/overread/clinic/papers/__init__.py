"""What a hospital asks for before a node may stand beside its PACS, made from the code and the configuration."""
