"""The gRPC service of gradproof."""
