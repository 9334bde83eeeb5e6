"""The contract, generated from protos/gradproof/v1; do not edit."""
